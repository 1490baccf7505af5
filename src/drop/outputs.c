/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outputs of a task, from the store to where its owner wants them: written beside their places, synced, and only when all are
 * there renamed, by a thread of the loop's pool. A crash on the way only makes that be done again.
 */
#include "drop/work.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writing {
	struct own_task *task; /* NULL: nobody waits any more */
	uv_work_t work;
	unsigned mode, count;
	struct {
		char *from, *part, *to; /* owned */
	} files[TASK_FILES_MAX];
	char why[256]; /* "": they are written */
};

static void free_writing(struct writing *writing)
{
	for (unsigned i = 0; i < writing->count; i++) {
		free(writing->files[i].from);
		free(writing->files[i].part);
		free(writing->files[i].to);
	}
	free(writing);
}

static int copy(const char *from, const char *to, unsigned mode)
{
	static const size_t block = 1u << 20;
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out =
		open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	_cleanup_free_ char *data = malloc(block);
	ssize_t got;

	if (in < 0 || out < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	while ((got = read(in, data, block)) > 0)
		for (ssize_t at = 0, put; at < got; at += put) {
			put = write(out, data + at, (size_t)(got - at));
			if (put < 0)
				return -errno;
		}
	return got < 0 || fchmod(out, mode) < 0 || fsync(out) < 0 ? -errno : 0;
}

static void write_all(uv_work_t *work)
{
	struct writing *writing = work->data;
	int code = 0;

	for (unsigned i = 0; i < writing->count && code == 0; i++) {
		code = copy(writing->files[i].from, writing->files[i].part, writing->mode);
		if (code < 0)
			snprintf(writing->why, sizeof(writing->why), "cannot write '%.150s': %s",
				 writing->files[i].to, strerror(-code));
	}
	for (unsigned i = 0; i < writing->count; i++) {
		if (code == 0 && rename(writing->files[i].part, writing->files[i].to) < 0) {
			code = -errno;
			snprintf(writing->why, sizeof(writing->why), "cannot write '%.150s': %s",
				 writing->files[i].to, strerror(-code));
		}
		if (code < 0)
			unlink(writing->files[i].part);
	}
}

static void on_written(uv_work_t *work, int status)
{
	struct writing *writing = work->data;
	struct own_task *task = writing->task;

	if (task) {
		task->writing = NULL;
		tasks_written(task, writing->why[0] ? writing->why : NULL);
	}
	free_writing(writing);
}

/* Where the output of this name goes; NULL: nowhere. */
static const char *path_of(const struct own_task *task, const char *name)
{
	return json_string_value(json_object_get(task->paths, name));
}

static int add_file(struct writing *writing, const struct own_task *task,
		    const struct task_file *output)
{
	const char *path = path_of(task, output->name), *slash = path ? strrchr(path, '/') : NULL;
	char from[PATH_MAX];
	unsigned at = writing->count;

	if (!slash)
		return 0;
	store_path(task->work->node->store, "objects", output->object, OBJECT_ID_SIZE, from);
	writing->count++;
	writing->files[at].from = strdup(from);
	writing->files[at].to = strdup(path);
	if (asprintf(&writing->files[at].part, "%.*s/.%s.rivulet", (int)(slash - path), path,
		     slash + 1) < 0)
		writing->files[at].part = NULL;
	return writing->files[at].from && writing->files[at].to && writing->files[at].part
		       ? 0
		       : -ENOMEM;
}

int outputs_write(struct own_task *task)
{
	struct writing *writing = calloc(1, sizeof(*writing));
	struct task_result result;
	int code = writing ? 0 : -ENOMEM;

	if (code == 0)
		code = task_read_result(task->answer.data, task->answer.size, &result);
	if (code < 0) {
		free(writing);
		return code;
	}
	writing->task = task;
	writing->mode = task->mode;
	for (unsigned i = 0; i < result.output_count && code == 0; i++)
		code = add_file(writing, task, &result.outputs[i]);
	task_result_free(&result);
	if (code == 0 && writing->count == 0) {
		free_writing(writing);
		tasks_written(task, NULL);
		return 0;
	}
	writing->work.data = writing;
	if (code == 0)
		code = uv_queue_work(&task->work->node->loop, &writing->work, write_all,
				     on_written);
	if (code < 0) {
		free_writing(writing);
		return code;
	}
	task->writing = writing;
	return 0;
}

void outputs_forget(struct own_task *task)
{
	if (task->writing)
		task->writing->task = NULL;
	task->writing = NULL;
}
