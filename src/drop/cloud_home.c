/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of a task in a cloud: what is put there, and how what it made comes home from there. */
#include "drop/cloud_parts.h"

#include "drop/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEARN 0.3

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	remove(path);
	return 0;
}

void cloud_remove_place(const struct cloud_run *run)
{
	nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int cloud_set_paths(struct cloud_run *run)
{
	char all[PATH_MAX];

	work_path(run->work, "cloud", all);
	if (snprintf(run->folder, sizeof(run->folder), "%s/%s", all,
		     run->mark + strlen(CLOUD_MARK)) >= (int)sizeof(run->folder))
		return -ENAMETOOLONG;
	snprintf(run->place, sizeof(run->place), "%s/work", run->folder);
	snprintf(run->output, sizeof(run->output), "%s/output", run->folder);
	snprintf(run->error, sizeof(run->error), "%s/error", run->folder);
	snprintf(run->script, sizeof(run->script), "%s/script", run->folder);
	snprintf(run->said, sizeof(run->said), "%s/said", run->folder);
	return 0;
}

int cloud_make_place(struct cloud_run *run)
{
	static const char script[] = "#!/bin/sh\nexec \"$@\"\n";
	char objects[PATH_MAX];
	struct sandbox sandbox = {.folder = -1, .objects_fd = -1, .objects = objects};
	struct err err;
	int code;

	snprintf(objects, sizeof(objects), "%s/objects", run->work->node->store->folder);
	cloud_remove_place(run); /* what another try has left */
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

char *cloud_read_text(const char *path, size_t room, size_t *ret_size)
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

/* Since it was handed over, which may be another start ago; the clock may have been set back. */
static uint64_t took(const struct cloud_run *run)
{
	uint64_t now = node_wall();

	return now > run->began ? now - run->began : 0;
}

/* How long its queue and the way there take is what it took beyond the work. */
static void learn(struct cloud_run *run)
{
	struct plan_cloud *cloud = &run->work->plan.cloud;
	uint64_t all = took(run), work = plan_work(run->task->plan, cloud->pace);
	double beyond = all > work ? (double)(all - work) : 0;

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
		if (!run->dead)
			cloud_drop(run);
		cloud_release(run);
		return;
	}
	if (run->collected < 0 || work_adopt(run->work, run->folder, &run->report, &result) < 0) {
		task_result_free(&result);
		cloud_fail(run, "what it made cannot be kept");
		return;
	}
	output = cloud_read_text(run->output, TASK_SAID_MAX, &result.output_size);
	error = cloud_read_text(run->error, TASK_SAID_MAX, &result.error_size);
	result.output = (uint8_t *)output;
	result.error = (uint8_t *)error;
	result.run = took(run);
	memcpy(result.id, run->copy.id, TASK_ID_SIZE);
	snprintf(result.owner, sizeof(result.owner), "%s", run->work->node->identity->node);
	task_put_result(&message, &result);
	task_result_free(&result);
	learn(run);
	run->task = NULL;
	task->cloud = NULL;
	if (!message.failed)
		tasks_cloud_done(task, &message);
	cloud_drop(run); /* in the transaction that has the answer */
	cloud_release(run);
}

void cloud_conclude(struct cloud_run *run)
{
	run->step = CLOUD_COLLECTING;
	if (run->end == TASK_NOT_RUN) {
		cloud_fail(run, "it was not run there");
		return;
	}
	run->collecting.data = run;
	run->thread =
		uv_queue_work(&run->work->node->loop, &run->collecting, collect, on_collected) == 0;
	if (!run->thread)
		cloud_fail(run, "out of memory");
}
