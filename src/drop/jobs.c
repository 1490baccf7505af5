/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that are to be run here. Each waits until its inputs are here and there is a slot, and is run by a process of its own
 * (sandbox.h). What it made is objects, and its result a message that is kept until the task expires: an owner that asks again
 * is told again.
 */
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

#define ROW_WAITS 0
#define ROW_OVER  1

#define WAIT_MAX 1000 /* tasks of others that wait here */

static bool is_own(const struct job *job)
{
	return strcmp(job->owner, job->work->node->identity->node) == 0;
}

static void free_job(struct job *job)
{
	for (struct job **at = &job->work->jobs; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			break;
		}
	gather_end(&job->gather);
	task_free(&job->task);
	free(job);
}

static void forget_row(struct job *job)
{
	struct store *store = job->work->node->store;

	if (store_begin(store) == 0)
		sql_run(store->db, "DELETE FROM jobs WHERE owner = ? AND id = ?", "tb", job->owner,
			job->task.id, (size_t)TASK_ID_SIZE);
}

static uint64_t time_left(uint64_t expires)
{
	uint64_t now = node_wall();

	return expires > now ? expires - now : 0;
}

/* Brings the result home. */
static void send_result(struct work *work, const char *owner, const uint8_t *message, size_t size,
			uint64_t expires)
{
	struct bytes bytes = {.data = (uint8_t *)message, .size = size};
	struct task_result result;
	uint64_t left = time_left(expires);

	if (strcmp(owner, work->node->identity->node) == 0) {
		results_take(work, owner, message, size);
		return;
	}
	if (task_read_result(message, size, &result) == 0 && left) {
		for (unsigned i = 0; i < result.output_count; i++) {
			struct store_object *object =
				store_object(work->node->store, result.outputs[i].object);

			if (object)
				objects_give(work->node, object, owner, left);
		}
		work_send(work, owner, &bytes, left);
	}
	task_result_free(&result);
}

/* The job is over. */
static void conclude(struct job *job, const struct task_result *result)
{
	struct work *work = job->work;
	struct store *store = work->node->store;
	_cleanup_bytes_ struct bytes message = {0};

	task_put_result(&message, result);
	if (message.failed || store_begin(store) < 0)
		return; /* the next start runs it again */
	if (result->end == TASK_NOT_RUN)
		forget_row(job);
	else
		sql_run(store->db,
			"UPDATE jobs SET state = ?, result = ? WHERE owner = ? AND id = ?", "ibtb",
			(uint64_t)ROW_OVER, message.data, message.size, job->owner, job->task.id,
			(size_t)TASK_ID_SIZE);
	send_result(work, job->owner, message.data, message.size, job->task.expires);
}

static void refuse(struct job *job, const char *why)
{
	struct task_result result = {
		.end = TASK_NOT_RUN, .error = (const uint8_t *)why, .error_size = strlen(why)};

	memcpy(result.id, job->task.id, TASK_ID_SIZE);
	snprintf(result.owner, sizeof(result.owner), "%s", job->owner);
	conclude(job, &result);
	free_job(job);
}

static void on_inputs(void *data)
{
	struct job *job = data;

	work_soon(job->work);
}

static struct job *add(struct work *work, const char *owner, struct task *task, uint64_t came)
{
	struct job *job = calloc(1, sizeof(*job)), **at = &work->jobs;

	if (!job) {
		task_free(task);
		return NULL;
	}
	job->work = work;
	job->task = *task;
	job->came = came;
	snprintf(job->owner, sizeof(job->owner), "%s", owner);
	while (*at)
		at = &(*at)->next;
	*at = job;
	if (gather_begin(&job->gather, work->node, job->task.inputs, job->task.input_count,
			 on_inputs, job) < 0) {
		free_job(job);
		return NULL;
	}
	return job;
}

static struct job *find(const struct work *work, const char *owner, const uint8_t *id)
{
	for (struct job *at = work->jobs; at; at = at->next)
		if (memcmp(at->task.id, id, TASK_ID_SIZE) == 0 && strcmp(at->owner, owner) == 0)
			return at;
	return NULL;
}

/* It was run before: its owner is told again. */
static bool tell_again(struct work *work, const char *owner, const struct task *task)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(work->node->store->db,
			  "SELECT result FROM jobs WHERE owner = ? AND id = ? AND state = ?", "tbi",
			  owner, task->id, (size_t)TASK_ID_SIZE, (uint64_t)ROW_OVER);

	if (!row || sqlite3_step(row) != SQLITE_ROW)
		return false;
	send_result(work, owner, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0),
		    task->expires);
	return true;
}

static unsigned count_others(const struct work *work)
{
	unsigned count = 0;

	for (const struct job *at = work->jobs; at; at = at->next)
		count += !is_own(at);
	return count;
}

void jobs_take(struct work *work, const char *owner, const uint8_t *message, size_t size)
{
	struct store *store = work->node->store;
	uint64_t now = node_wall();
	struct job *job;
	struct task task;
	int code = task_read(message, size, &task);

	if (code < 0)
		node_say(work->node, owner, "a task of '%s' is none", owner);
	if (code < 0 || task.expires <= now || find(work, owner, task.id) ||
	    tell_again(work, owner, &task)) {
		task_free(&task);
		return;
	}
	code = store_begin(store);
	if (code == 0)
		code = sql_run(store->db,
			       "INSERT INTO jobs (owner, id, task, came, expires, state) VALUES "
			       "(?, ?, ?, ?, ?, ?)",
			       "tbbiii", owner, task.id, (size_t)TASK_ID_SIZE, message, size, now,
			       task.expires, (uint64_t)ROW_WAITS);
	if (code < 0) {
		task_free(&task);
		return;
	}
	job = add(work, owner, &task, now);
	if (job && !is_own(job) && work->lent == 0)
		refuse(job, "this device runs nobody else's tasks now");
	else if (job && !is_own(job) && count_others(work) > WAIT_MAX)
		refuse(job, "too many tasks wait here");
}

void jobs_recall(struct work *work, const char *owner, const uint8_t id[static TASK_ID_SIZE])
{
	struct job *job = find(work, owner, id);

	if (!job)
		return;
	forget_row(job);
	job->recalled = true;
	if (job->state == JOB_RUNS)
		uv_process_kill(&job->process, SIGKILL);
	else if (job->state == JOB_WAITS)
		free_job(job);
}

int jobs_load(struct work *work)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(work->node->store->db,
			  "SELECT owner, task, came FROM jobs WHERE state = ? ORDER BY came", "i",
			  (uint64_t)ROW_WAITS);

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		struct task task;

		if (task_read(sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1),
			      &task) == 0)
			add(work, (const char *)sqlite3_column_text(row, 0), &task,
			    (uint64_t)sqlite3_column_int64(row, 2));
		else
			task_free(&task);
	}
	return 0;
}

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
	conclude(job, &result);
	task_result_free(&result);
	free(report.outputs);
}

static void on_closed(uv_handle_t *handle)
{
	struct job *job = handle->data;
	struct work *work = job->work;

	job->state = JOB_OVER;
	work->running--;
	work->running_others -= !is_own(job);
	if (!job->recalled && work->open)
		finish(job);
	remove_folder(job->folder);
	free_job(job);
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

static int start(struct job *job)
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
	work->running_others += !is_own(job);
	/* The handle has to be closed even if it never was of a process; then there is no report. */
	if (uv_spawn(&work->node->loop, &job->process, &options) < 0)
		uv_close((uv_handle_t *)&job->process, on_closed);
	return 0;
}

static struct job *next(struct work *work)
{
	struct job *best = NULL;

	for (struct job *at = work->jobs; at; at = at->next) {
		bool own = is_own(at);

		if (at->state != JOB_WAITS || !gather_is_done(&at->gather) ||
		    (!own && work->running_others >= work->lent))
			continue;
		if (!best || plan_before(own, at->task.deadline, at->came, is_own(best),
					 best->task.deadline, best->came))
			best = at;
	}
	return best;
}

void jobs_step(struct work *work)
{
	uint64_t now = node_wall();
	struct job *job, *after;

	for (job = work->jobs; job; job = after) {
		after = job->next;
		if (job->state != JOB_WAITS)
			continue;
		if (job->task.expires <= now) {
			forget_row(job);
			free_job(job);
		} else if (work->lent == 0 && !is_own(job)) {
			refuse(job, "this device runs nobody else's tasks now");
		}
	}
	while (work->running < work->node->options.slots && (job = next(work))) {
		int code = start(job);

		if (code < 0) {
			node_say(work->node, "start", "a task cannot be run: %s", strerror(-code));
			refuse(job, "it cannot be started here");
		}
	}
}

uint64_t jobs_own_load(const struct work *work)
{
	unsigned count = 0;

	for (const struct job *at = work->jobs; at; at = at->next)
		count += is_own(at) && at->state != JOB_OVER;
	return count * (uint64_t)PLAN_WORK;
}

void jobs_close(struct work *work)
{
	struct job *next;

	for (struct job *job = work->jobs; job; job = next) {
		next = job->next;
		if (job->state == JOB_WAITS) {
			free_job(job);
		} else if (job->state == JOB_RUNS && !uv_is_closing((uv_handle_t *)&job->process)) {
			kill(job->process.pid, SIGKILL);
			waitpid(job->process.pid, NULL, 0);
			uv_close((uv_handle_t *)&job->process, on_closed);
		}
	}
	confine_sweep();
}
