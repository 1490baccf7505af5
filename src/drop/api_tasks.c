/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that are shown and cancelled by HTTP. */
#include "drop/api.h"
#include "drop/work.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 1000

#define COLUMNS                                                                               \
	"id, grp, label, state, submitted, deadline, finished, why, node, ended, code, run, " \
	"expires, "                                                                           \
	"task"

static const char *state_name(const struct own_task *task, int state)
{
	static const char *const names[] = {"waiting", "writing",   "done",
					    "failed",  "cancelled", "expired"};
	bool given = false;

	if (state != STATE_OPEN || !task)
		return state < (int)ARRAY_SIZE(names) ? names[state] : "?";
	for (unsigned i = 0; i < task->plan->run_count; i++)
		given |= task->plan->runs[i].state == PLAN_GIVEN;
	return task->plan->in_cloud ? "cloud" : given ? "given" : names[0];
}

static json_t *runs_of(const struct own_task *task)
{
	static const char *const names[] = {"given", "back", "failed", "dropped"};
	json_t *runs = json_array();

	for (unsigned i = 0; task && i < task->plan->run_count; i++)
		json_array_append_new(runs, json_pack("{s:s, s:s}", "node",
						      task->plan->runs[i].device->name, "state",
						      names[task->plan->runs[i].state]));
	return runs;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static json_t *describe(struct work *work, sqlite3_stmt *row)
{
	char id[2 * TASK_ID_SIZE + 1], group[2 * GROUP_SIZE + 1], end[96] = "";
	const struct own_task *task;
	int state = sqlite3_column_int(row, 3);
	uint64_t cloud_at = UINT64_MAX;
	json_t *json;

	if (sqlite3_column_bytes(row, 0) != TASK_ID_SIZE ||
	    sqlite3_column_bytes(row, 1) != GROUP_SIZE)
		return json_object();
	task = tasks_find(work, sqlite3_column_blob(row, 0));
	hex_text(sqlite3_column_blob(row, 0), TASK_ID_SIZE, id);
	hex_text(sqlite3_column_blob(row, 1), GROUP_SIZE, group);
	if (task && state == STATE_OPEN)
		cloud_at = plan_cloud_at(&work->plan, task->plan);
	json = json_pack("{s:s, s:s, s:s*, s:s, s:I, s:o}", "id", id, "group", group, "command",
			 text_at(row, 2), "state", state_name(task, state), "submitted",
			 (json_int_t)sqlite3_column_int64(row, 4), "runs", runs_of(task));
	if (sqlite3_column_int64(row, 5))
		json_object_set_new(json, "deadline", json_integer(sqlite3_column_int64(row, 5)));
	if (cloud_at != UINT64_MAX)
		json_object_set_new(json, "cloud_at", json_integer((json_int_t)cloud_at));
	if (sqlite3_column_int64(row, 6))
		json_object_set_new(json, "finished", json_integer(sqlite3_column_int64(row, 6)));
	if (sqlite3_column_type(row, 7) != SQLITE_NULL)
		json_object_set_new(json, "why", json_string(text_at(row, 7)));
	if (sqlite3_column_type(row, 8) != SQLITE_NULL) {
		enum task_end ended = (enum task_end)(sqlite3_column_int(row, 9) % TASK_ENDS);
		uint64_t code = (uint64_t)sqlite3_column_int64(row, 10);

		json_object_set_new(json, "by", json_string(text_at(row, 8)));
		json_object_set_new(json, "end", json_string(task_end_text(ended, code, end)));
		json_object_set_new(json, "stopped", json_boolean(ended > TASK_KILLED));
		json_object_set_new(json, "exit",
				    json_integer(ended == TASK_EXITED   ? (json_int_t)code
						 : ended == TASK_KILLED ? 128 + (json_int_t)code
									: 125));
		json_object_set_new(json, "run_ms", json_integer(sqlite3_column_int64(row, 11)));
	}
	return json;
}

/* Of a group all are told, a page at a time: "more" says that there may be some behind those and the @skip before them. */
static enum MHD_Result list(struct api *api, struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "group");
	const char *skip = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "skip");
	struct sql *db = api->node->store->db;
	uint8_t group[GROUP_SIZE];
	json_t *tasks;
	sqlite3_stmt *row;
	bool more;

	if (text && !hex_read_all(text, group, GROUP_SIZE))
		return api_refuse(connection, MHD_HTTP_BAD_REQUEST, "no group has such a name");
	tasks = json_array();
	row = text ? sql_query(db,
			       "SELECT " COLUMNS
			       " FROM tasks WHERE grp = ? ORDER BY rowid LIMIT ? OFFSET ?",
			       "bii", group, (size_t)GROUP_SIZE, (uint64_t)SHOWN_MAX,
			       (uint64_t)(skip ? strtoul(skip, NULL, 10) : 0))
		   : sql_query(db,
			       "SELECT " COLUMNS " FROM (SELECT rowid AS r, * FROM tasks"
			       " ORDER BY rowid DESC LIMIT ?) ORDER BY r",
			       "i", (uint64_t)SHOWN_MAX);
	while (row && sqlite3_step(row) == SQLITE_ROW)
		json_array_append_new(tasks, describe(api->node->work, row));
	sql_release(row);
	more = text && json_array_size(tasks) == SHOWN_MAX;
	return api_reply(
		connection, MHD_HTTP_OK,
		json_pack("{s:o, s:o*}", "tasks", tasks, "more", more ? json_true() : NULL));
}

/* How far a group is, in little: {"total": ..., "over": ..., "by": {"bob": 3}}. */
static enum MHD_Result summarize(struct api *api, struct MHD_Connection *connection,
				 const uint8_t *group)
{
	json_t *by = json_object();
	uint64_t total = 0, over = 0;
	sqlite3_stmt *row =
		sql_query(api->node->store->db,
			  "SELECT state > 1, node, count(*) FROM tasks WHERE grp = ? GROUP BY 1, 2",
			  "b", group, (size_t)GROUP_SIZE);

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		uint64_t count = (uint64_t)sqlite3_column_int64(row, 2);

		total += count;
		if (!sqlite3_column_int(row, 0))
			continue;
		over += count;
		if (sqlite3_column_type(row, 1) != SQLITE_NULL)
			json_object_set_new(by, text_at(row, 1), json_integer((json_int_t)count));
	}
	sql_release(row);
	return api_reply(connection, MHD_HTTP_OK,
			 json_pack("{s:I, s:I, s:o}", "total", (json_int_t)total, "over",
				   (json_int_t)over, "by", by));
}

/* What it wrote, as it is. */
static enum MHD_Result tell_text(struct api *api, struct MHD_Connection *connection,
				 const uint8_t *id, bool error)
{
	sqlite3_stmt *row =
		sql_query(api->node->store->db,
			  "SELECT answer FROM tasks WHERE id = ? AND answer IS NOT NULL", "b", id,
			  (size_t)TASK_ID_SIZE);
	struct MHD_Response *response = NULL;
	struct task_result result = {0};
	enum MHD_Result code;

	if (row && sqlite3_step(row) == SQLITE_ROW &&
	    task_read_result(sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0),
			     &result) == 0)
		response = MHD_create_response_from_buffer(
			error ? result.error_size : result.output_size,
			(void *)(error ? result.error : result.output), MHD_RESPMEM_MUST_COPY);
	task_result_free(&result);
	sql_release(row);
	if (!response)
		return api_refuse(connection, MHD_HTTP_NOT_FOUND, "it has no result yet");
	code = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return code;
}

static enum MHD_Result cancel(struct api *api, struct MHD_Connection *connection, const char *name)
{
	struct work *work = api->node->work;
	uint8_t id[TASK_ID_SIZE];
	unsigned count = 0;

	for (struct own_task *at = work->tasks; at; at = at->next) {
		bool it = (hex_read_all(name, id, TASK_ID_SIZE) &&
			   memcmp(id, at->task.id, TASK_ID_SIZE) == 0) ||
			  (hex_read_all(name, id, GROUP_SIZE) &&
			   memcmp(id, at->group, GROUP_SIZE) == 0);

		count += it && tasks_cancel(work, at->task.id) == 0;
	}
	if (count == 0)
		return api_refuse(connection, MHD_HTTP_NOT_FOUND,
				  "no task or group of this name is still to be done");
	store_commit(api->node->store);
	return api_reply(connection, MHD_HTTP_OK, json_pack("{s:i}", "cancelled", (int)count));
}

enum MHD_Result api_task(struct api *api, struct MHD_Connection *connection, const char *name,
			 const char *method, const char *body, size_t *body_size,
			 struct api_request **request)
{
	uint8_t id[TASK_ID_SIZE];
	char plain[2 * TASK_ID_SIZE + 1];

	if (strcmp(method, "POST") == 0 && name[0] == '\0')
		return api_submit(api, connection, body, body_size, request);
	if (strcmp(method, "GET") == 0 && name[0] == '\0')
		return list(api, connection);
	if (strcmp(method, "DELETE") == 0 && name[0] == '/')
		return cancel(api, connection, name + 1);
	snprintf(plain, sizeof(plain), "%s", name[0] ? name + 1 : "");
	if (strcmp(method, "GET") == 0 && name[0] == '/') {
		if (hex_read_all(name + 1, id, GROUP_SIZE))
			return summarize(api, connection, id);
		if (hex_read_all(plain, id, TASK_ID_SIZE) &&
		    (strcmp(name + 1 + strlen(plain), "/output") == 0 ||
		     strcmp(name + 1 + strlen(plain), "/error") == 0))
			return tell_text(api, connection, id, name[2 + strlen(plain)] == 'e');
	}
	return api_refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such task");
}
