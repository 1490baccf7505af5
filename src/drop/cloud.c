/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task in a cloud, from step to step, each of which is a program of the table (cloud_ops.c):
 *
 *     starting ──> polling ──> collecting (cloud_home.c)
 *        ^   ^      │   ^
 *        │   └──────│───┤ neither way to ask knows it
 *        │          v   │
 *        └───────── finding <── this node was killed while it was handed over
 *
 * and from wherever it is to cancelling, when nobody waits any more. Where the cloud keeps tasks by themselves that is done however
 * long it takes to be heard there: what runs there costs.
 */
#include "drop/cloud_parts.h"

#include "drop/files.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS      1000
#define AGAIN_MS     5000 /* after a failure */
#define AGAIN_SHIFTS 6    /* so often twice as long: at most five minutes */
#define CANCELS_MAX  50

static void go_on(struct cloud_run *run);
static void on_process_closed(uv_handle_t *handle);

static void on_timer_closed(uv_handle_t *handle)
{
	struct cloud_run *run = handle->data;

	for (struct cloud_run **at = &run->work->clouds; *at; at = &(*at)->next)
		if (*at == run) {
			*at = run->next;
			break;
		}
	if (!run->kept)
		cloud_remove_place(run);
	for (unsigned i = 0; run->report.outputs && i < run->report.output_count; i++)
		free((void *)run->report.outputs[i].hashes);
	free(run->report.outputs);
	task_free(&run->copy);
	free(run);
}

void cloud_release(struct cloud_run *run)
{
	run->dead = true;
	if (!run->spawned && !run->thread && !uv_is_closing((uv_handle_t *)&run->timer))
		uv_close((uv_handle_t *)&run->timer, on_timer_closed);
}

static void on_again(uv_timer_t *timer)
{
	go_on(timer->data);
}

static void later(struct cloud_run *run, enum cloud_step step, uint64_t ms)
{
	run->step = step;
	uv_timer_start(&run->timer, on_again, ms, 0);
}

void cloud_fail(struct cloud_run *run, const char *why)
{
	tasks_cloud_failed(run->task, why);
	run->name[0] = '\0';
	later(run, CLOUD_STARTING, AGAIN_MS);
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
				      .mark = run->mark,
				      .name = run->name,
				      .attempt = run->attempt};
}

static void on_end(uv_process_t *process, int64_t status, int signal)
{
	struct cloud_run *run = process->data;

	run->code = (uint64_t)status; /* until they are judged */
	run->end = (enum task_end)signal;
	uv_close((uv_handle_t *)process, on_process_closed);
}

/* Starts the program that @words name; what it prints goes to the files @output and @error. */
static int spawn(struct cloud_run *run, const struct cloud_words *words, const char *output,
		 const char *error)
{
	_cleanup_close_ int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_close_ int err = open(error, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uv_stdio_container_t stdio[] = {{.flags = UV_IGNORE},
					{.flags = UV_INHERIT_FD, .data.fd = out},
					{.flags = UV_INHERIT_FD, .data.fd = err}};
	uv_process_options_t options = {.file = words->words[0],
					.args = (char **)words->words,
					.cwd = run->folder,
					.exit_cb = on_end,
					.stdio = stdio,
					.stdio_count = 3};

	if (out < 0 || err < 0)
		return -errno;
	if (run->step == CLOUD_STARTING)
		options.cwd = run->place;
	run->code = 0;
	run->end = TASK_EXITED;
	run->spawn_failed = uv_spawn(&run->work->node->loop, &run->process, &options);
	run->process.data = run;
	run->spawned = true;
	/* The handle has to be closed even if it never was of a process. */
	if (run->spawn_failed < 0)
		uv_close((uv_handle_t *)&run->process, on_process_closed);
	return 0;
}

static void start(struct cloud_run *run)
{
	struct cloud_words words;
	bool keeps = run->ops->poll;
	int code = cloud_make_place(run);

	if (code == 0 && keeps)
		code = cloud_save(run);
	/* Else it could be there, and nobody would know of it after a crash. */
	if (code == 0 && keeps)
		code = store_commit(run->work->node->store);
	if (code < 0) {
		cloud_fail(run, strerror(-code));
		return;
	}
	set_words(run, &words);
	run->ops->start(&words);
	if (spawn(run, &words, keeps ? run->said : run->output, run->error) < 0)
		cloud_fail(run, "its folder cannot be written");
}

/* One of the other steps. */
static void ask(struct cloud_run *run)
{
	struct cloud_words words;
	bool good = true;

	set_words(run, &words);
	if (run->step == CLOUD_FINDING)
		run->ops->find(&words);
	else if (run->step == CLOUD_CANCELLING)
		run->ops->cancel(&words);
	else
		good = run->ops->poll(&words);
	if (good && spawn(run, &words, run->said, "/dev/null") == 0)
		return;
	run->attempt = 0;
	later(run, run->step, POLL_MS);
}

static void go_on(struct cloud_run *run)
{
	if (run->step == CLOUD_STARTING)
		start(run);
	else
		ask(run);
}

/* Nobody waits: it is cancelled there if it is known by a name, and looked for if it may have one. */
static void cancel(struct cloud_run *run)
{
	run->attempt = 0;
	if (!run->ops->cancel || (run->step != CLOUD_STARTING && !run->name[0])) {
		cloud_drop(run);
		cloud_release(run);
		return;
	}
	run->step = run->name[0] ? CLOUD_CANCELLING : CLOUD_FINDING;
	ask(run);
}

/* The number of a task that was printed; false: none was. */
static bool read_name(struct cloud_run *run)
{
	size_t size;
	_cleanup_free_ char *text = cloud_read_text(run->said, sizeof(run->name), &size);

	snprintf(run->name, sizeof(run->name), "%.*s", text ? (int)strspn(text, "0123456789_") : 0,
		 text ? text : "");
	return run->name[0];
}

static void on_started(struct cloud_run *run)
{
	struct cloud_words words;
	char why[200];

	if (run->spawn_failed) {
		set_words(run, &words);
		run->ops->start(&words);
		snprintf(why, sizeof(why), "'%s' cannot be started: %s", words.words[0],
			 strerror(-run->spawn_failed));
		cloud_fail(run, why);
	} else if (!run->ops->poll) {
		run->code = (run->end ? (uint64_t)run->end : run->code) & 0xff;
		run->end = run->end ? TASK_KILLED : TASK_EXITED;
		cloud_conclude(run);
	} else if (run->code != 0 || !read_name(run) || cloud_save(run) < 0) {
		cloud_fail(run, "it cannot be handed over");
	} else {
		run->attempt = 0;
		later(run, CLOUD_POLLING, POLL_MS / 4);
	}
}

static void on_found(struct cloud_run *run)
{
	if (run->spawn_failed || run->code != 0 || run->end) {
		later(run, CLOUD_FINDING, AGAIN_MS); /* nobody there who could tell */
	} else if (read_name(run)) {
		cloud_save(run);
		later(run, CLOUD_POLLING, POLL_MS);
	} else {
		later(run, CLOUD_STARTING, 0);
	}
}

static void on_polled(struct cloud_run *run)
{
	size_t size;
	_cleanup_free_ char *text = cloud_read_text(run->said, 4096, &size);
	int over = !run->spawn_failed && run->code == 0 && text
			   ? run->ops->read(text, &run->end, &run->code)
			   : -EPROTO;

	if (over > 0) {
		cloud_conclude(run);
		return;
	}
	run->attempt = over < 0 ? run->attempt + 1 : 0;
	if (over < 0 && run->attempt == 1) {
		ask(run); /* another way to ask */
		return;
	}
	run->attempt = 0;
	later(run, over < 0 ? CLOUD_FINDING : CLOUD_POLLING, POLL_MS);
}

static void on_cancelled(struct cloud_run *run)
{
	bool good = !run->spawn_failed && run->code == 0 && !run->end;

	if (!good && ++run->attempt < CANCELS_MAX) {
		unsigned shift = run->attempt < AGAIN_SHIFTS ? run->attempt : AGAIN_SHIFTS;

		later(run, CLOUD_CANCELLING, (uint64_t)AGAIN_MS << shift);
		return;
	}
	if (!good)
		node_say(run->work->node, "cancel",
			 "task %s of the cloud cannot be cancelled there", run->name);
	cloud_drop(run);
	cloud_release(run);
}

/* A program of one that nobody waits for any more has ended. */
static void forgotten(struct cloud_run *run)
{
	bool good = !run->spawn_failed && run->code == 0 && !run->end;

	if (run->step == CLOUD_FINDING && !good && ++run->attempt < CANCELS_MAX) {
		later(run, CLOUD_FINDING, AGAIN_MS);
		return;
	}
	if (run->step != CLOUD_POLLING && run->ops->cancel && good)
		read_name(run);
	cancel(run);
}

static void on_process_closed(uv_handle_t *handle)
{
	struct cloud_run *run = handle->data;

	run->spawned = false;
	if (run->dead) {
		cloud_release(run);
	} else if (run->step == CLOUD_CANCELLING) {
		on_cancelled(run);
	} else if (!run->task) {
		forgotten(run);
	} else if (run->step == CLOUD_STARTING) {
		on_started(run);
	} else if (run->step == CLOUD_FINDING) {
		on_found(run);
	} else {
		on_polled(run);
	}
}

/* NULL: no memory. */
static struct cloud_run *make(struct work *work, const uint8_t *id, const struct cloud_ops *ops,
			      struct own_task *task)
{
	struct cloud_run *run = calloc(1, sizeof(*run));
	_cleanup_bytes_ struct bytes text = {0};

	if (!run)
		return NULL;
	run->work = work;
	run->ops = ops;
	run->settings = "";
	memcpy(run->id, id, TASK_ID_SIZE);
	strcpy(run->mark, CLOUD_MARK);
	hex_text(id, TASK_ID_SIZE, run->mark + strlen(CLOUD_MARK));
	if (task)
		task_put(&text, &task->task);
	if (cloud_set_paths(run) < 0 || text.failed ||
	    (task && task_read(text.data, text.size, &run->copy) < 0)) {
		task_free(&run->copy);
		free(run);
		return NULL;
	}
	uv_timer_init(&work->node->loop, &run->timer);
	run->timer.data = run;
	run->task = task;
	if (task)
		task->cloud = run;
	run->next = work->clouds;
	work->clouds = run;
	return run;
}

void cloud_begin(struct own_task *task)
{
	struct work *work = task->work;
	const char *settings;
	const struct cloud_ops *ops = cloud_find(work->node->options.cloud, &settings);
	struct cloud_run *run = make(work, task->task.id, ops, task);

	if (!run) {
		tasks_cloud_failed(task, "out of memory");
		return;
	}
	run->settings = settings;
	run->began = node_wall();
	node_say(work->node, NULL, "a task goes to the cloud (%s)", run->ops->name);
	start(run);
}

void cloud_resume(struct work *work, const uint8_t id[static TASK_ID_SIZE],
		  const struct cloud_ops *ops, const char *name, uint64_t began)
{
	struct own_task *task = tasks_find(work, id);
	struct cloud_run *run;
	const char *settings;

	if (task && task->state != STATE_OPEN)
		task = NULL;
	run = make(work, id, ops, task);
	if (!run)
		return;
	files_make_folder(
		run->folder); /* where answers are read; it is there, unless somebody took it away */
	if (work->node->options.cloud && cloud_find(work->node->options.cloud, &settings) == ops)
		run->settings = settings;
	run->began = began;
	snprintf(run->name, sizeof(run->name), "%s", name);
	run->step = name[0] ? CLOUD_POLLING : CLOUD_FINDING;
	if (task)
		task->plan->in_cloud = true;
	else if (name[0])
		run->step = CLOUD_CANCELLING;
	node_say(work->node, NULL,
		 task ? "a task was in the cloud (%s), and is waited for"
		      : "a task was in the cloud (%s), and is not wanted any more",
		 ops->name);
	later(run, run->step, 0);
}

void cloud_forget(struct own_task *task)
{
	struct cloud_run *run = task->cloud;

	if (!run)
		return;
	task->cloud = NULL;
	run->task = NULL;
	if (!run->work->open)
		return; /* cloud_close() */
	uv_timer_stop(&run->timer);
	if (run->spawned && !run->ops->cancel)
		uv_process_kill(&run->process, SIGTERM);
	if (!run->spawned && !run->thread)
		cancel(run);
}

void cloud_close(struct work *work)
{
	for (struct cloud_run *run = work->clouds; run; run = run->next) {
		uv_timer_stop(&run->timer);
		/* What the cloud keeps by itself is there after the next start. */
		run->kept = run->ops->cancel;
		if (run->spawned)
			uv_process_kill(&run->process, SIGKILL);
		cloud_release(run);
	}
}
