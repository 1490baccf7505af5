/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that are submitted, shown and cancelled by HTTP. */
#include "drop/api.h"
#include "drop/cloud.h"
#include "drop/work.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX  (16u << 20)
#define SHOWN_MAX 1000
#define LIFETIME  (7 * 24 * 3600 * 1000ULL) /* ms, unless told */

struct posting {
	struct api_request request;
	struct bytes body;
};

static void end_posting(struct api_request *request)
{
	struct posting *posting = (struct posting *)request;

	bytes_free(&posting->body);
	free(posting);
}

static bool parse_hex(const char *text, uint8_t *ret, size_t size)
{
	return text && strlen(text) == 2 * size && hex_read(text, ret, size);
}

static uint64_t number(const json_t *json, const char *name, uint64_t otherwise)
{
	const json_t *value = json_object_get(json, name);

	return json_is_integer(value) && json_integer_value(value) >= 0
		       ? (uint64_t)json_integer_value(value)
		       : otherwise;
}

/* 1 unless told. */
static unsigned count(const json_t *json, const char *name)
{
	uint64_t value = number(json, name, 1);

	return value < UINT_MAX ? (unsigned)value : UINT_MAX;
}

static bool set_name(struct task_file *file, const char *name)
{
	if (!name || !task_is_name(name))
		return false;
	snprintf(file->name, sizeof(file->name), "%s", name);
	return true;
}

/* Why it is no task; NULL: it is. */
static const char *read_task(const json_t *json, struct task *ret)
{
	const json_t *arguments = json_object_get(json, "arguments"),
		     *inputs = json_object_get(json, "inputs");
	json_t *outputs = json_object_get(json, "outputs"), *value;
	const char *name;
	size_t i;

	if (json_array_size(arguments) == 0 || json_array_size(arguments) > TASK_ARGUMENTS_MAX)
		return "a task is a command with 1 to 256 words";
	if (json_array_size(inputs) > TASK_FILES_MAX || json_object_size(outputs) > TASK_FILES_MAX)
		return "a task has 64 inputs and 64 outputs at most";
	ret->inputs = calloc(json_array_size(inputs) + 1, sizeof(*ret->inputs));
	ret->outputs = calloc(json_object_size(outputs) + 1, sizeof(*ret->outputs));
	if (!ret->inputs || !ret->outputs)
		return "out of memory";
	json_array_foreach((json_t *)arguments, i, value)
	{
		ret->arguments[i] = json_is_string(value) ? strdup(json_string_value(value)) : NULL;
		if (!ret->arguments[i])
			return "a command is made of words";
		ret->argument_count++;
	}
	json_array_foreach((json_t *)inputs, i, value)
	{
		struct task_file *input = &ret->inputs[ret->input_count++];

		if (!set_name(input, json_string_value(json_object_get(value, "name"))))
			return "an input has no name that it could have elsewhere";
		if (!parse_hex(json_string_value(json_object_get(value, "object")), input->object,
			       OBJECT_ID_SIZE))
			return "an input is no object";
		input->program = json_is_true(json_object_get(value, "program"));
	}
	json_object_foreach(outputs, name, value)
	{
		const char *path = json_string_value(value);

		if (!set_name(&ret->outputs[ret->output_count++], name))
			return "an output has no name that it could have elsewhere";
		if (path && path[0] != '/')
			return "an output's path does not begin with '/'";
	}
	return NULL;
}

/* As it will be when it is read: what a message cannot say is refused here. */
static bool can_be_said(const struct task *task)
{
	_cleanup_bytes_ struct bytes text = {0};
	struct task read;
	int code;

	task_put(&text, task);
	code = text.failed ? -ENOMEM : task_read(text.data, text.size, &read);
	if (code == 0 || !text.failed)
		task_free(&read);
	return code == 0;
}

struct submission {
	uint8_t group[GROUP_SIZE];
	unsigned copies, agree, mode;
	uint64_t deadline, expires;
	struct task_limits limits;
};

static const char *submit_one(struct work *work, const struct submission *how, const json_t *json,
			      json_t *ids)
{
	json_t *outputs = json_object_get(json, "outputs");
	const char *label = json_string_value(json_object_get(json, "label"));
	char text[2 * TASK_ID_SIZE + 1];
	struct task task = {
		.limits = how->limits, .deadline = how->deadline, .expires = how->expires};
	const char *why = read_task(json, &task);

	if (gnutls_rnd(GNUTLS_RND_RANDOM, task.id, TASK_ID_SIZE) < 0)
		why = "no random numbers";
	if (!why && !can_be_said(&task))
		why = "it is too long, two files have one name, or a limit is too large";
	if (why) {
		task_free(&task);
		return why;
	}
	hex_text(task.id, TASK_ID_SIZE, text);
	json_array_append_new(ids, json_string(text));
	return tasks_add(work, how->group, &task, how->copies, how->agree, how->deadline,
			 outputs ? json_incref(outputs) : json_object(), how->mode, label) < 0
		       ? "the store cannot be written"
		       : NULL;
}

/* All of them, or none. */
static const char *submit(struct work *work, const json_t *json, json_t **ret)
{
	const json_t *limits = json_object_get(json, "limits"),
		     *tasks = json_object_get(json, "tasks");
	uint64_t now = node_wall(), deadline = number(json, "deadline", 0);
	struct submission how = {
		.copies = count(json, "copies"),
		.agree = count(json, "agree"),
		.mode = (unsigned)number(json, "mode", 0644) & 0777,
		.deadline = deadline ? now + deadline : 0,
		.expires = now + number(json, "lifetime", LIFETIME),
		.limits = {number(limits, "time", 600000), number(limits, "memory", 512u << 20),
			   number(limits, "disk", 256u << 20), number(limits, "processes", 128)},
	};
	json_t *ids = json_array(), *one;
	char group[2 * GROUP_SIZE + 1];
	const char *why = NULL;
	size_t i;

	if (how.copies < 1 || how.copies > PLAN_RUNS_MAX / 2 || how.agree < 1 ||
	    how.agree > how.copies)
		why = "copies are 1 to 8, and no more can agree than there are";
	else if (json_array_size(tasks) == 0)
		why = "there is no task";
	else if (gnutls_rnd(GNUTLS_RND_RANDOM, how.group, GROUP_SIZE) < 0)
		why = "no random numbers";
	hex_text(how.group, GROUP_SIZE, group);
	json_array_foreach((json_t *)tasks, i, one)
	{
		if (!why)
			why = submit_one(work, &how, one, ids);
	}
	if (why) {
		for (i = 0; i < json_array_size(ids); i++) {
			uint8_t id[TASK_ID_SIZE];

			parse_hex(json_string_value(json_array_get(ids, i)), id, TASK_ID_SIZE);
			tasks_cancel(work, id);
		}
		json_decref(ids);
		return why;
	}
	*ret = json_pack("{s:s, s:o}", "group", group, "tasks", ids);
	return NULL;
}

static enum MHD_Result finish_submit(struct api *api, struct MHD_Connection *connection,
				     const struct posting *posting)
{
	json_t *json = json_loadb((const char *)posting->body.data, posting->body.size, 0, NULL),
	       *answer = NULL;
	const char *why = posting->body.failed    ? "it is too long"
			  : !json_is_object(json) ? "it is no JSON object"
						  : submit(api->node->work, json, &answer);
	int code = why ? 0 : store_commit(api->node->store);

	json_decref(json);
	if (why)
		return api_refuse(connection, MHD_HTTP_BAD_REQUEST, why);
	if (code < 0) {
		json_decref(answer);
		return api_refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, strerror(-code));
	}
	return api_reply(connection, MHD_HTTP_OK, answer);
}

static enum MHD_Result post(struct api *api, struct MHD_Connection *connection, const char *body,
			    size_t *body_size, struct api_request **request)
{
	struct posting *posting = (struct posting *)*request;

	if (!posting) {
		posting = calloc(1, sizeof(*posting));
		if (!posting)
			return MHD_NO;
		posting->request.end = end_posting;
		*request = &posting->request;
		return MHD_YES;
	}
	if (*body_size == 0)
		return finish_submit(api, connection, posting);
	if (posting->body.size + *body_size > BODY_MAX)
		posting->body.failed = true;
	else
		bytes_put(&posting->body, body, *body_size);
	*body_size = 0;
	return MHD_YES;
}

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

	if (text && !parse_hex(text, group, GROUP_SIZE))
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
		bool it =
			(parse_hex(name, id, TASK_ID_SIZE) &&
			 memcmp(id, at->task.id, TASK_ID_SIZE) == 0) ||
			(parse_hex(name, id, GROUP_SIZE) && memcmp(id, at->group, GROUP_SIZE) == 0);

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
		return post(api, connection, body, body_size, request);
	if (strcmp(method, "GET") == 0 && name[0] == '\0')
		return list(api, connection);
	if (strcmp(method, "DELETE") == 0 && name[0] == '/')
		return cancel(api, connection, name + 1);
	snprintf(plain, sizeof(plain), "%s", name[0] ? name + 1 : "");
	if (strcmp(method, "GET") == 0 && name[0] == '/') {
		if (parse_hex(name + 1, id, GROUP_SIZE))
			return summarize(api, connection, id);
		if (parse_hex(plain, id, TASK_ID_SIZE) &&
		    (strcmp(name + 1 + strlen(plain), "/output") == 0 ||
		     strcmp(name + 1 + strlen(plain), "/error") == 0))
			return tell_text(api, connection, id, name[2 + strlen(plain)] == 'e');
	}
	return api_refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such task");
}
