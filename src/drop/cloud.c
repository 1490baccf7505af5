/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/cloud.h"

#include "drop/files.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define POLL_MS  1000
#define AGAIN_MS 5000 /* after a failure */
#define LEARN    0.3

/* All that it takes to run one. Freed when nothing of libuv's is under way any more (release()). */
struct cloud_run {
	struct own_task *task; /* NULL: nobody waits */
	struct work *work;
	const struct cloud_ops *ops;
	const char *settings;
	struct task copy; /* of the task; owned */
	char folder[PATH_MAX - 32], place[PATH_MAX], output[PATH_MAX], error[PATH_MAX],
		script[PATH_MAX], said[PATH_MAX];
	char name[CLOUD_NAME_MAX]; /* there */
	unsigned attempt;
	enum task_end end;
	uint64_t code, began; /* ms since 1970 */
	struct sandbox_report report;
	int collected;
	uv_process_t process;
	uv_timer_t timer;
	uv_work_t collecting;
	bool spawned, thread, polling; /* what is under way; of spawned: closing, too */
	int spawn_failed;              /* why the program could not be started; 0: it was */
	bool dead;
};

static void start(struct cloud_run *run);
static void on_process_closed(uv_handle_t *handle);
static void poll_it(struct cloud_run *run);

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	remove(path);
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct cloud_run *run = handle->data;

	nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (unsigned i = 0; run->report.outputs && i < run->report.output_count; i++)
		free((void *)run->report.outputs[i].hashes);
	free(run->report.outputs);
	task_free(&run->copy);
	free(run);
}

/* The end, as soon as nothing is under way. */
static void release(struct cloud_run *run)
{
	run->dead = true;
	if (!run->spawned && !run->thread && !uv_is_closing((uv_handle_t *)&run->timer))
		uv_close((uv_handle_t *)&run->timer, on_timer_closed);
}

static void on_again(uv_timer_t *timer)
{
	struct cloud_run *run = timer->data;

	if (run->polling)
		poll_it(run);
	else
		start(run);
}

static void fail(struct cloud_run *run, const char *why)
{
	tasks_cloud_failed(run->task, why);
	run->polling = false;
	uv_timer_start(&run->timer, on_again, AGAIN_MS, 0);
}

static void set_words(const struct cloud_run *run, struct cloud_words *words)
{
	*words = (struct cloud_words){.settings = run->settings,
				      .folder = run->folder,
				      .work = run->place,
				      .output = run->output,
				      .error = run->error,
				      .script = run->script,
				      .task = &run->copy,
				      .name = run->name,
				      .attempt = run->attempt};
}

/* Starts the program that @words name; what it prints goes to the files @output and @error. */
static int spawn(struct cloud_run *run, const struct cloud_words *words, const char *output,
		 const char *error, uv_exit_cb end)
{
	_cleanup_close_ int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_close_ int err = open(error, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE},
					{.flags = UV_INHERIT_FD, .data.fd = out},
					{.flags = UV_INHERIT_FD, .data.fd = err}};
	uv_process_options_t options = {.file = words->words[0],
					.args = (char **)words->words,
					.cwd = run->place,
					.exit_cb = end,
					.stdio = stdio,
					.stdio_count = 3};

	if (out < 0 || err < 0)
		return -errno;
	run->spawn_failed = uv_spawn(&run->work->node->loop, &run->process, &options);
	run->process.data = run;
	run->spawned = true;
	/* The handle has to be closed even if it never was of a process. */
	if (run->spawn_failed < 0)
		uv_close((uv_handle_t *)&run->process, on_process_closed);
	return 0;
}

/* The first @room - 1 bytes of a file; the caller frees. */
static char *read_text(const char *path, size_t room, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, room);
	ssize_t got = 1;

	*ret_size = 0;
	while (text && fd >= 0 && got > 0 && *ret_size < room - 1) {
		got = read(fd, text + *ret_size, room - 1 - *ret_size);
		if (got > 0)
			*ret_size += (size_t)got;
	}
	return text;
}

static void collect(uv_work_t *work)
{
	struct cloud_run *run = work->data;
	struct sandbox sandbox = {.folder = open(run->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				  .task = run->copy};
	const char *missing = NULL;

	snprintf(sandbox.work, sizeof(sandbox.work), "%s", run->place);
	run->collected = sandbox_collect(&sandbox, &run->report, &missing);
	close_fd(sandbox.folder);
	if (missing && run->end == TASK_EXITED && run->code == 0)
		run->end = TASK_NOT_MADE;
}

/* How long its queue and the way there take is what it took beyond the work. */
static void learn(struct cloud_run *run)
{
	struct plan_cloud *cloud = &run->work->plan.cloud;
	uint64_t took = node_wall() - run->began, work = plan_work(run->task->plan, cloud->pace);
	double beyond = took > work ? (double)(took - work) : 0;

	cloud->delay = (uint64_t)((double)cloud->delay + LEARN * (beyond - (double)cloud->delay));
}

static void on_collected(uv_work_t *work, int status)
{
	struct cloud_run *run = work->data;
	struct task_result result = {.end = run->end, .code = run->code};
	_cleanup_bytes_ struct bytes message = {0};
	_cleanup_free_ char *output = NULL, *error = NULL;
	struct own_task *task = run->task;

	run->thread = false;
	if (!task || run->dead) {
		release(run);
		return;
	}
	if (run->collected < 0 || work_adopt(run->work, run->folder, &run->report, &result) < 0) {
		task_result_free(&result);
		fail(run, "what it made cannot be kept");
		return;
	}
	output = read_text(run->output, TASK_SAID_MAX, &result.output_size);
	error = read_text(run->error, TASK_SAID_MAX, &result.error_size);
	result.output = (uint8_t *)output;
	result.error = (uint8_t *)error;
	result.run = node_wall() - run->began;
	memcpy(result.id, run->copy.id, TASK_ID_SIZE);
	snprintf(result.owner, sizeof(result.owner), "%s", run->work->node->identity->node);
	task_put_result(&message, &result);
	task_result_free(&result);
	learn(run);
	run->task = NULL;
	task->cloud = NULL;
	if (!message.failed)
		tasks_cloud_done(task, &message);
	release(run);
}

/* It is over. */
static void conclude(struct cloud_run *run)
{
	if (run->end == TASK_NOT_RUN) {
		fail(run, "it was not run there");
		return;
	}
	run->collecting.data = run;
	run->thread =
		uv_queue_work(&run->work->node->loop, &run->collecting, collect, on_collected) == 0;
	if (!run->thread)
		fail(run, "out of memory");
}

static void on_polled(struct cloud_run *run, int64_t status)
{
	size_t size;
	_cleanup_free_ char *text = read_text(run->said, 4096, &size);
	int over = status == 0 && text ? run->ops->read(text, &run->end, &run->code) : -EPROTO;

	if (over > 0) {
		conclude(run);
		return;
	}
	run->attempt = over < 0 ? run->attempt + 1 : 0;
	if (over < 0 && run->attempt == 1)
		poll_it(run); /* another way to ask */
	else
		uv_timer_start(&run->timer, on_again, POLL_MS, 0);
}

static void on_started(struct cloud_run *run, int64_t status, int signal)
{
	size_t size;

	if (run->ops->poll) {
		_cleanup_free_ char *text = read_text(run->said, sizeof(run->name), &size);

		snprintf(run->name, sizeof(run->name), "%.*s",
			 text ? (int)strspn(text, "0123456789_") : 0, text ? text : "");
		if (status != 0 || !run->name[0]) {
			fail(run, "it cannot be handed over");
			return;
		}
		run->attempt = 0;
		run->polling = true;
		uv_timer_start(&run->timer, on_again, POLL_MS / 4, 0);
		return;
	}
	run->end = signal ? TASK_KILLED : TASK_EXITED;
	run->code = (signal ? (uint64_t)signal : (uint64_t)status) & 0xff;
	conclude(run);
}

static void fail_to_start(struct cloud_run *run)
{
	struct cloud_words words;
	char why[200];

	set_words(run, &words);
	run->ops->start(&words);
	snprintf(why, sizeof(why), "'%s' cannot be started: %s", words.words[0],
		 strerror(-run->spawn_failed));
	fail(run, why);
}

static void on_process_closed(uv_handle_t *handle)
{
	struct cloud_run *run = handle->data;

	run->spawned = false;
	if (!run->task || run->dead)
		release(run);
	else if (run->polling)
		on_polled(run, run->spawn_failed ? run->spawn_failed : (int64_t)run->code);
	else if (run->spawn_failed)
		fail_to_start(run);
	else
		on_started(run, (int64_t)run->code, (int)run->end);
}

static void on_end(uv_process_t *process, int64_t status, int signal)
{
	struct cloud_run *run = process->data;

	run->code = (uint64_t)status; /* until they are judged */
	run->end = (enum task_end)signal;
	uv_close((uv_handle_t *)process, on_process_closed);
}

static void poll_it(struct cloud_run *run)
{
	struct cloud_words words;

	set_words(run, &words);
	if (run->ops->poll(&words) && spawn(run, &words, run->said, "/dev/null", on_end) == 0)
		return;
	run->attempt = 0;
	uv_timer_start(&run->timer, on_again, POLL_MS, 0);
}

static void start(struct cloud_run *run)
{
	struct cloud_words words;

	set_words(run, &words);
	run->ops->start(&words);
	if (spawn(run, &words, run->ops->poll ? run->said : run->output, run->error, on_end) < 0)
		fail(run, "its folder cannot be written");
}

static int make_place(struct cloud_run *run)
{
	static const char script[] = "#!/bin/sh\nexec \"$@\"\n";
	char objects[PATH_MAX], all[PATH_MAX];
	struct sandbox sandbox = {.folder = -1, .objects_fd = -1, .objects = objects};
	struct err err;
	int code;

	work_path(run->work, "tasks", all);
	snprintf(objects, sizeof(objects), "%s/objects", run->work->node->store->folder);
	snprintf(run->folder, sizeof(run->folder), "%s/%u", all, run->work->folders++);
	snprintf(run->place, sizeof(run->place), "%s/work", run->folder);
	snprintf(run->output, sizeof(run->output), "%s/output", run->folder);
	snprintf(run->error, sizeof(run->error), "%s/error", run->folder);
	snprintf(run->script, sizeof(run->script), "%s/script", run->folder);
	snprintf(run->said, sizeof(run->said), "%s/said", run->folder);
	code = files_make_folder(run->folder);
	if (code == 0)
		code = files_write(run->folder, "script", script, strlen(script));
	if (code < 0)
		return code;
	sandbox.folder = open(run->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sandbox.task = run->copy;
	code = sandbox_place(&sandbox, &err);
	close_fd(sandbox.folder);
	close_fd(sandbox.objects_fd);
	return code;
}

void cloud_begin(struct own_task *task)
{
	struct work *work = task->work;
	struct cloud_run *run = calloc(1, sizeof(*run));
	_cleanup_bytes_ struct bytes text = {0};
	int code = run ? 0 : -ENOMEM;

	if (code == 0) {
		run->work = work;
		run->task = task;
		run->began = node_wall();
		run->ops = cloud_find(work->node->options.cloud, &run->settings);
		uv_timer_init(&work->node->loop, &run->timer);
		run->timer.data = run;
		task_put(&text, &task->task);
		code = text.failed ? -ENOMEM : task_read(text.data, text.size, &run->copy);
	}
	if (code == 0)
		code = make_place(run);
	if (code < 0) {
		tasks_cloud_failed(task, strerror(-code));
		if (run)
			release(run);
		return;
	}
	task->cloud = run;
	node_say(work->node, NULL, "a task goes to the cloud (%s)", run->ops->name);
	start(run);
}

void cloud_forget(struct own_task *task)
{
	struct cloud_run *run = task->cloud;
	struct cloud_words words;

	if (!run)
		return;
	task->cloud = NULL;
	run->task = NULL;
	uv_timer_stop(&run->timer);
	if (run->spawned)
		uv_process_kill(&run->process, task->work->open ? SIGTERM : SIGKILL);
	if (run->ops->cancel && run->name[0] && !run->spawned && task->work->open) {
		set_words(run, &words);
		run->ops->cancel(&words);
		spawn(run, &words, run->said, "/dev/null", on_end);
	}
	release(run);
}
