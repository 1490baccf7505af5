/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of tasks, as the store keeps it; tasks.c reads it again after a start. */
#include "drop/work.h"

#include "base/clock.h"

#include <stdio.h>

void rows_save_state(struct own_task *task, enum task_state state, const char *why)
{
	struct store *store = task->work->node->store;
	struct task_result result = {0};

	task->state = state;
	tasks_touch(task);
	if (store_begin(store) < 0)
		return;
	if (task->answer.size)
		task_read_result(task->answer.data, task->answer.size, &result);
	sql_run(store->db,
		"UPDATE tasks SET state = ?, finished = ?, why = ?, answer = ?, node = ?, ended = "
		"?,"
		" code = ?, run = ? WHERE id = ?",
		"iitbtiiib", (uint64_t)state, state == STATE_HOME ? 0 : node_wall(), why,
		task->answer.data, task->answer.size, task->by[0] ? task->by : NULL,
		(uint64_t)result.end, result.code, result.run, task->task.id, (size_t)TASK_ID_SIZE);
	task_result_free(&result);
}

void rows_save_run(struct own_task *task, const char *node, enum plan_run_state state,
		   const struct bytes *message)
{
	struct store *store = task->work->node->store;

	if (store_begin(store) == 0)
		sql_run(store->db,
			"INSERT INTO runs VALUES (?, ?, ?, ?, ?) ON CONFLICT (task, node) DO "
			"UPDATE "
			"SET state = excluded.state, result = excluded.result",
			"btiib", task->task.id, (size_t)TASK_ID_SIZE, node, node_wall(),
			(uint64_t)state, message ? message->data : NULL,
			message ? message->size : 0);
}

void rows_save_device(struct work *work, const struct plan_device *device)
{
	struct sql *db = work->node->store->db;

	if (device->self || store_begin(work->node->store) < 0)
		return;
	sql_run(db, "INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?)", "tiii", device->name,
		(uint64_t)device->good, (uint64_t)device->bad, (uint64_t)(device->pace * 1000));
	if (device->bad)
		sql_run(db, "INSERT OR REPLACE INTO caught VALUES (?, ?, ?)", "tii", device->name,
			device->caught, (uint64_t)device->redeemed);
}

void rows_save_why(struct own_task *task, const char *from, const struct task_result *result)
{
	char why[300];
	size_t size;

	size = (size_t)snprintf(why, sizeof(why), "%s: %.*s", from,
				(int)(result->error_size < 200 ? result->error_size : 200),
				result->error);
	for (size_t i = 0; i < size && i < sizeof(why); i++)
		if ((uint8_t)why[i] < ' ' || (uint8_t)why[i] > '~')
			why[i] = ' ';
	sql_run(task->work->node->store->db, "UPDATE tasks SET why = ? WHERE id = ?", "tb", why,
		task->task.id, (size_t)TASK_ID_SIZE);
}
