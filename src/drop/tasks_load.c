/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own tasks and what is known of devices, as they were when the node ended. */
#include "drop/work.h"

#include <stdio.h>
#include <string.h>

static void restore_runs(struct own_task *task)
{
	_cleanup_stmt_ sqlite3_stmt *row =
		sql_query(task->work->node->store->db,
			  "SELECT node, given, state, result FROM runs WHERE task = ?", "b",
			  task->task.id, (size_t)TASK_ID_SIZE);

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		const char *node = (const char *)sqlite3_column_text(row, 0);
		struct plan_device *device = plan_device(&task->work->plan, node);

		if (!device)
			continue;
		plan_restore(task->plan, device, (uint64_t)sqlite3_column_int64(row, 1),
			     (enum plan_run_state)sqlite3_column_int(row, 2));
		if (sqlite3_column_bytes(row, 3) > 0)
			results_take(task->work, node, sqlite3_column_blob(row, 3),
				     (size_t)sqlite3_column_bytes(row, 3));
	}
}

static void load_task(struct work *work, sqlite3_stmt *row)
{
	struct own_task *task;
	struct task spec;
	json_t *paths = json_loads((const char *)sqlite3_column_text(row, 5), 0, NULL);

	if (sqlite3_column_bytes(row, 0) != GROUP_SIZE ||
	    task_read(sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1), &spec) <
		    0) {
		json_decref(paths);
		return;
	}
	task = tasks_make(
		work, sqlite3_column_blob(row, 0), &spec, (unsigned)sqlite3_column_int(row, 2),
		(unsigned)sqlite3_column_int(row, 3), (uint64_t)sqlite3_column_int64(row, 4),
		(uint64_t)sqlite3_column_int64(row, 8), paths,
		(unsigned)sqlite3_column_int(row, 6));
	if (!task)
		return;
	if (sqlite3_column_int(row, 7) == STATE_OPEN) {
		restore_runs(task);
		return;
	}
	task->state = STATE_HOME;
	plan_end(task->plan);
	bytes_put(&task->answer, sqlite3_column_blob(row, 9), (size_t)sqlite3_column_bytes(row, 9));
	snprintf(task->by, sizeof(task->by), "%s", (const char *)sqlite3_column_text(row, 10));
	tasks_bring_home(task);
}

int tasks_load(struct work *work)
{
	struct sql *db = work->node->store->db;
	sqlite3_stmt *row =
		sql_query(db,
			  "SELECT devices.node, good, bad, pace, at, redeemed FROM devices "
			  "LEFT JOIN caught ON caught.node = devices.node",
			  "");

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		struct plan_device *device =
			plan_device(&work->plan, (const char *)sqlite3_column_text(row, 0));

		if (!device)
			continue;
		device->good = (unsigned)sqlite3_column_int(row, 1);
		device->bad = (unsigned)sqlite3_column_int(row, 2);
		device->pace = (double)sqlite3_column_int(row, 3) / 1000;
		/* Nobody wrote down when, before that could be forgiven. */
		device->caught = sqlite3_column_type(row, 4) == SQLITE_NULL
					 ? node_wall()
					 : (uint64_t)sqlite3_column_int64(row, 4);
		device->redeemed = (unsigned)sqlite3_column_int(row, 5);
	}
	sql_release(row);
	row = sql_query(db,
			"SELECT grp, task, copies, agree, deadline, paths, mode, state, submitted, "
			"answer, node FROM tasks WHERE state <= ? ORDER BY rowid",
			"i", (uint64_t)STATE_HOME);
	while (row && sqlite3_step(row) == SQLITE_ROW)
		load_task(work, row);
	sql_release(row);
	return 0;
}
