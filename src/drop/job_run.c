/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job while it runs: a process of its own (sandbox.h), the folder that both share, and what it leaves there. */
#include "drop/confine.h"
#include "drop/files.h"
#include "drop/sandbox.h"
#include "drop/work.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void remove_folder(const char *folder)
{
	static const char *const inner[] = {"/work", ""};
	char path[PATH_MAX];

	/* Of the task's own folder, outside of a sandbox, only what is flat can be removed so. */
	for (unsigned i = 0; i < ARRAY_SIZE(inner); i++) {
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof(path), "%s%s", folder, inner[i]);
		dir = opendir(path);
		while (dir && (entry = readdir(dir)))
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				unlinkat(dirfd(dir), entry->d_name,
					 entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
		if (dir)
			closedir(dir);
		rmdir(path);
	}
}

static void finish(struct job *job)
{
	struct task_result result = {.end = TASK_NOT_RUN};
	struct sandbox_report report = {0};
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	int code = -EIO;

	snprintf(path, sizeof(path), "%s/report", job->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		data = malloc((size_t)st.st_size + 1);
		code = data ? files_read_at(fd, data, (size_t)st.st_size, 0) : -ENOMEM;
	}
	if (code == 0)
		code = sandbox_read_report(data, (size_t)st.st_size, &report);
	if (code == 0) {
		result.end = report.end;
		result.code = report.code;
		result.run = report.run;
		result.output = report.output;
		result.output_size = report.output_size;
		result.error = report.error;
		result.error_size = report.error_size;
		if (work_adopt(job->work, job->folder, &report, &result) < 0)
			result.end = TASK_NOT_RUN;
	}
	memcpy(result.id, job->task.id, TASK_ID_SIZE);
	snprintf(result.owner, sizeof(result.owner), "%s", job->owner);
	job_conclude(job, &result);
	task_result_free(&result);
	free(report.outputs);
}

static void on_closed(uv_handle_t *handle)
{
	struct job *job = handle->data;
	struct work *work = job->work;

	job->state = JOB_OVER;
	work->running--;
	work->running_others -= !job_is_own(job);
	if (!job->recalled && work->open)
		finish(job);
	remove_folder(job->folder);
	job_free(job);
	if (work->open)
		work_soon(work);
}

static void on_end(uv_process_t *process, int64_t status, int signal)
{
	if (signal)
		confine_sweep(); /* what it leaves behind */
	uv_close((uv_handle_t *)process, on_closed);
}

/* The limits are the owner's wish, and no more than this device gives. */
static int write_task(const struct job *job)
{
	_cleanup_bytes_ struct bytes text = {0};
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	struct task task = job->task; /* borrows */
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (task.limits.memory > memory / 2)
		task.limits.memory = memory / 2;
	if (task.limits.disk > memory / 4)
		task.limits.disk = memory / 4;
	task_put(&text, &task);
	snprintf(path, sizeof(path), "%s/%s", job->folder, SANDBOX_COMMAND);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || text.failed)
		return -EIO;
	return files_write_at(fd, text.data, text.size, 0);
}

int job_start(struct job *job)
{
	struct work *work = job->work;
	char all[PATH_MAX], objects[PATH_MAX], self[16];
	const char *arguments[] = {"rivulet",
				   SANDBOX_COMMAND,
				   job->folder,
				   objects,
				   work->inside ? "inside" : "outside",
				   self,
				   NULL};
	uv_process_options_t options = {
		.file = "/proc/self/exe", .args = (char **)arguments, .exit_cb = on_end};
	int code;

	work_path(work, "tasks", all);
	snprintf(objects, sizeof(objects), "%s/objects", work->node->store->folder);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	if (snprintf(job->folder, sizeof(job->folder), "%s/%u", all, work->folders++) >=
	    (int)sizeof(job->folder))
		return -ENAMETOOLONG;
	code = files_make_folder(job->folder);
	if (code == 0)
		code = write_task(job);
	if (code < 0) {
		remove_folder(job->folder);
		return code;
	}
	job->process.data = job;
	job->state = JOB_RUNS;
	work->running++;
	work->running_others += !job_is_own(job);
	/* The handle has to be closed even if it never was of a process; then there is no report. */
	if (uv_spawn(&work->node->loop, &job->process, &options) < 0)
		uv_close((uv_handle_t *)&job->process, on_closed);
	return 0;
}

void job_end(struct job *job)
{
	if (uv_is_closing((uv_handle_t *)&job->process))
		return;
	kill(job->process.pid, SIGKILL);
	waitpid(job->process.pid, NULL, 0);
	uv_close((uv_handle_t *)&job->process, on_closed);
}
