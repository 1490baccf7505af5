/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that are to be run here. Each waits until its inputs are here and there is a slot, and is run (job_run.c). Its result is a
 * message that is kept until the task expires: an owner that asks again is told again.
 */
#include "drop/confine.h"
#include "drop/work.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_WAITS 0
#define ROW_OVER  1

#define WAIT_MAX 1000 /* tasks of others that wait here */

bool job_is_own(const struct job *job)
{
	return strcmp(job->owner, job->work->node->identity->node) == 0;
}

void job_free(struct job *job)
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
void job_conclude(struct job *job, const struct task_result *result)
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
	job_conclude(job, &result);
	job_free(job);
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
		job_free(job);
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
		count += !job_is_own(at);
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
	else if (task.expires <= now)
		node_say(work->node, owner,
			 "a task of '%s' is over before it comes: its clock, or ours, is wrong",
			 owner);
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
	if (job && !job_is_own(job) && work->lent == 0)
		refuse(job, "this device runs nobody else's tasks now");
	else if (job && !job_is_own(job) && count_others(work) > WAIT_MAX)
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
		job_free(job);
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

static struct job *next(struct work *work)
{
	struct job *best = NULL;

	for (struct job *at = work->jobs; at; at = at->next) {
		bool own = job_is_own(at);

		if (at->state != JOB_WAITS || !gather_is_done(&at->gather) ||
		    (!own && work->running_others >= work->lent))
			continue;
		if (!best || plan_before(own, at->task.deadline, at->came, job_is_own(best),
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
			job_free(job);
		} else if (work->lent == 0 && !job_is_own(job)) {
			refuse(job, "this device runs nobody else's tasks now");
		}
	}
	while (work->running < work->node->options.slots && (job = next(work))) {
		int code = job_start(job);

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
		count += job_is_own(at) && at->state != JOB_OVER;
	return count * (uint64_t)PLAN_WORK;
}

void jobs_close(struct work *work)
{
	struct job *next;

	for (struct job *job = work->jobs; job; job = next) {
		next = job->next;
		if (job->state == JOB_WAITS) {
			job_free(job);
		} else if (job->state == JOB_RUNS) {
			job_end(job);
		}
	}
	confine_sweep();
}
