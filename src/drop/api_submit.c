/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that are submitted by HTTP: what JSON says of them is checked, and all are taken, or none. */
#include "drop/api.h"
#include "drop/work.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (16u << 20)
#define LIFETIME (7 * 24 * 3600 * 1000ULL) /* ms, unless told */

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
		const char *object;

		if (!set_name(input, json_string_value(json_object_get(value, "name"))))
			return "an input has no name that it could have elsewhere";
		object = json_string_value(json_object_get(value, "object"));
		if (!object || !hex_read_all(object, input->object, OBJECT_ID_SIZE))
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

			hex_read_all(json_string_value(json_array_get(ids, i)), id, TASK_ID_SIZE);
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

enum MHD_Result api_submit(struct api *api, struct MHD_Connection *connection, const char *body,
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
