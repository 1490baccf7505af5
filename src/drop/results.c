/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results that come home. Whether one is taken is decided by what was asked for, and from whom; it counts when its outputs
 * are here as well.
 */
#include "drop/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_arrival(struct arrival *arrival)
{
	gather_end(&arrival->gather);
	task_result_free(&arrival->result);
	bytes_free(&arrival->message);
	free(arrival);
}

void results_drop(struct own_task *task)
{
	while (task->arrivals) {
		struct arrival *arrival = task->arrivals;

		task->arrivals = arrival->next;
		free_arrival(arrival);
	}
}

static const struct plan_run *run_of(const struct own_task *task, const char *node)
{
	for (unsigned i = 0; i < task->plan->run_count; i++)
		if (strcmp(task->plan->runs[i].device->name, node) == 0)
			return &task->plan->runs[i];
	return NULL;
}

static bool was_asked_for(const struct task *task, const char *name)
{
	for (unsigned i = 0; i < task->output_count; i++)
		if (strcmp(task->outputs[i].name, name) == 0)
			return true;
	return false;
}

/* Why a result is not to be taken; NULL: it is. */
static const char *judge(struct work *work, const char *from, const struct task_result *result,
			 struct own_task **ret)
{
	struct own_task *task = tasks_find(work, result->id);
	const struct plan_run *run = task ? run_of(task, from) : NULL;
	uint64_t total = 0;

	*ret = task;
	if (strcmp(result->owner, work->node->identity->node) != 0)
		return "is for somebody else";
	if (!task)
		return sql_number(work->node->store->db, 0,
				  "SELECT count(*) FROM tasks WHERE id = ?", "b", result->id,
				  (size_t)TASK_ID_SIZE)
			       ? "is of a task that is over"
			       : "is of a task that was never submitted";
	if (!run)
		return "is of a task that it was not asked to do";
	if (task->state != STATE_OPEN)
		return "is of a task that is over";
	for (const struct arrival *at = task->arrivals; at; at = at->next)
		if (strcmp(at->node, from) == 0)
			return "was there before";
	for (unsigned i = 0; i < result->output_count; i++) {
		if (!was_asked_for(&task->task, result->outputs[i].name))
			return "has files that nobody asked for";
		total += result->outputs[i].size;
	}
	if (total > task->task.limits.disk)
		return "has larger files than the task may make";
	return NULL;
}

static void on_arrival(void *data)
{
	struct arrival *arrival = data;

	tasks_touch(arrival->task);
}

void results_take(struct work *work, const char *from, const uint8_t *message, size_t size)
{
	struct arrival *arrival = calloc(1, sizeof(*arrival));
	struct own_task *task = NULL;
	const char *why = NULL;
	int code = -ENOMEM;

	if (!arrival)
		return;
	bytes_put(&arrival->message, message, size);
	if (!arrival->message.failed)
		code = task_read_result(arrival->message.data, size, &arrival->result);
	if (code == 0)
		why = judge(work, from, &arrival->result, &task);
	if (code < 0 || why || !task) {
		node_say(work->node, from, "a result of '%s' is refused: it %s", from,
			 code < 0 || !why ? "is none" : why);
		free_arrival(arrival);
		return;
	}
	arrival->task = task;
	snprintf(arrival->node, sizeof(arrival->node), "%s", from);
	if (arrival->result.end == TASK_NOT_RUN) {
		node_say(work->node, from, "'%s' does not run a task: %.*s", from,
			 (int)arrival->result.error_size, arrival->result.error);
		plan_failed(task->plan, plan_device(&work->plan, from));
		rows_save_run(task, from, PLAN_FAILED, NULL);
		rows_save_why(task, from, &arrival->result);
		free_arrival(arrival);
	} else {
		rows_save_run(task, from, PLAN_GIVEN, &arrival->message);
		arrival->next = task->arrivals;
		task->arrivals = arrival;
		if (gather_begin(&arrival->gather, work->node, arrival->result.outputs,
				 arrival->result.output_count, on_arrival, arrival) < 0)
			node_say(work->node, "memory", "out of memory");
	}
	tasks_touch(task);
}
