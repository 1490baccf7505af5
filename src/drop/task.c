/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/task.h"

#include "base/cleanup.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX 4096

void task_free(struct task *task)
{
	for (unsigned i = 0; i < task->argument_count; i++)
		free(task->arguments[i]);
	free(task->inputs);
	free(task->outputs);
	*task = (struct task){0};
}

void task_result_free(struct task_result *result)
{
	free(result->outputs);
	result->outputs = NULL;
	result->output_count = 0;
}

bool task_is_name(const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size >= TASK_NAME_MAX || name[0] == '/' || name[size - 1] == '/')
		return false;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (*part == '/' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0 ||
		    strncmp(part, "./", 2) == 0 || strncmp(part, "../", 3) == 0)
			return false;
	}
	return true;
}

void task_put(struct bytes *to, const struct task *task)
{
	items_put_array(to, 11);
	items_put_number(to, TASK_TASK);
	items_put_bytes(to, task->id, TASK_ID_SIZE);
	items_put_array(to, task->argument_count);
	for (unsigned i = 0; i < task->argument_count; i++)
		items_put_bytes(to, task->arguments[i], strlen(task->arguments[i]));
	items_put_array(to, task->input_count);
	for (unsigned i = 0; i < task->input_count; i++) {
		const struct task_file *input = &task->inputs[i];

		items_put_array(to, 3);
		items_put_bytes(to, input->name, strlen(input->name));
		items_put_bytes(to, input->object, OBJECT_ID_SIZE);
		items_put_number(to, input->program);
	}
	items_put_array(to, task->output_count);
	for (unsigned i = 0; i < task->output_count; i++)
		items_put_bytes(to, task->outputs[i].name, strlen(task->outputs[i].name));
	items_put_number(to, task->limits.time);
	items_put_number(to, task->limits.memory);
	items_put_number(to, task->limits.disk);
	items_put_number(to, task->limits.processes);
	items_put_number(to, task->deadline);
	items_put_number(to, task->expires);
}

void task_put_result(struct bytes *to, const struct task_result *result)
{
	items_put_array(to, 9);
	items_put_number(to, TASK_RESULT);
	items_put_bytes(to, result->id, TASK_ID_SIZE);
	items_put_bytes(to, result->owner, strlen(result->owner));
	items_put_number(to, result->end);
	items_put_number(to, result->code);
	items_put_number(to, result->run);
	items_put_bytes(to, result->output, result->output_size);
	items_put_bytes(to, result->error, result->error_size);
	items_put_array(to, result->output_count);
	for (unsigned i = 0; i < result->output_count; i++) {
		const struct task_file *output = &result->outputs[i];

		items_put_array(to, 3);
		items_put_bytes(to, output->name, strlen(output->name));
		items_put_bytes(to, output->object, OBJECT_ID_SIZE);
		items_put_number(to, output->size);
	}
}

void task_put_recall(struct bytes *to, const uint8_t id[static TASK_ID_SIZE])
{
	items_put_array(to, 2);
	items_put_number(to, TASK_RECALL);
	items_put_bytes(to, id, TASK_ID_SIZE);
}

void task_put_device(struct bytes *to, const struct task_device *device)
{
	items_put_array(to, 4);
	items_put_number(to, TASK_DEVICE);
	items_put_number(to, device->time);
	items_put_number(to, device->slots);
	items_put_number(to, device->load);
}

/* Takes the head of a message. */
static void begin(struct items *items, enum task_message_type type, uint64_t fields)
{
	if (items_array(items) != fields || items_number(items) != type)
		items_fail(items, -EBADMSG);
}

static int end(struct items *items)
{
	return items->err || items->at != items->end ? -EBADMSG : 0;
}

/* The size of an array, each of whose members takes a byte at least. */
static unsigned read_count(struct items *items, unsigned max)
{
	uint64_t count = items_array(items);

	if (count <= max)
		return (unsigned)count;
	items_fail(items, -EBADMSG);
	return 0;
}

static void read_name(struct items *items, char ret[static TASK_NAME_MAX])
{
	size_t size;
	const uint8_t *name = items_bytes(items, &size);

	ret[0] = '\0';
	if (items->err)
		return;
	if (size < TASK_NAME_MAX && !memchr(name, 0, size)) {
		memcpy(ret, name, size);
		ret[size] = '\0';
	}
	if (!task_is_name(ret))
		items_fail(items, -EBADMSG);
}

static void read_arguments(struct items *items, struct task *ret)
{
	unsigned count = read_count(items, TASK_ARGUMENTS_MAX);
	size_t total = 0;

	if (count == 0)
		items_fail(items, -EBADMSG);
	for (unsigned i = 0; i < count && !items->err; i++) {
		size_t size;
		const uint8_t *text = items_bytes(items, &size);

		if (items->err)
			return;
		total += size;
		if (memchr(text, 0, size) || total > TASK_TEXT_MAX) {
			items_fail(items, -EBADMSG);
			return;
		}
		ret->arguments[i] = strndup((const char *)text, size);
		if (!ret->arguments[i]) {
			items_fail(items, -ENOMEM);
			return;
		}
		ret->argument_count++;
	}
}

static struct task_file *new_files(struct items *items, unsigned count)
{
	struct task_file *files = items->err ? NULL : calloc(count + 1, sizeof(*files));

	if (!files)
		items_fail(items, -ENOMEM);
	return files;
}

static void no_twins(struct items *items, const struct task_file *files, unsigned count)
{
	for (unsigned i = 0; files && i < count; i++)
		for (unsigned j = 0; j < i; j++)
			if (strcmp(files[i].name, files[j].name) == 0)
				items_fail(items, -EBADMSG);
}

int task_read(const void *data, size_t size, struct task *ret)
{
	struct items items = items_of(data, size);

	*ret = (struct task){0};
	begin(&items, TASK_TASK, 11);
	items_bytes_fixed(&items, ret->id, TASK_ID_SIZE);
	read_arguments(&items, ret);
	ret->input_count = read_count(&items, TASK_FILES_MAX);
	ret->inputs = new_files(&items, ret->input_count);
	for (unsigned i = 0; ret->inputs && i < ret->input_count && !items.err; i++) {
		if (items_array(&items) != 3)
			items_fail(&items, -EBADMSG);
		read_name(&items, ret->inputs[i].name);
		items_bytes_fixed(&items, ret->inputs[i].object, OBJECT_ID_SIZE);
		ret->inputs[i].program = items_number_to(&items, 1);
	}
	ret->output_count = read_count(&items, TASK_FILES_MAX);
	ret->outputs = new_files(&items, ret->output_count);
	for (unsigned i = 0; ret->outputs && i < ret->output_count && !items.err; i++)
		read_name(&items, ret->outputs[i].name);
	ret->limits.time = items_number_to(&items, INT64_MAX / 1000000);
	ret->limits.memory = items_number_to(&items, INT64_MAX);
	ret->limits.disk = items_number_to(&items, INT64_MAX);
	ret->limits.processes = items_number_to(&items, INT32_MAX);
	ret->deadline = items_number(&items);
	ret->expires = items_number(&items);
	if (!items.err) {
		no_twins(&items, ret->inputs, ret->input_count);
		no_twins(&items, ret->outputs, ret->output_count);
	}
	return items.err == -ENOMEM ? -ENOMEM : end(&items);
}

int task_read_result(const void *data, size_t size, struct task_result *ret)
{
	struct items items = items_of(data, size);
	const uint8_t *owner;
	size_t owner_size;

	*ret = (struct task_result){0};
	begin(&items, TASK_RESULT, 9);
	items_bytes_fixed(&items, ret->id, TASK_ID_SIZE);
	owner = items_bytes(&items, &owner_size);
	if (!items.err && owner_size < NODE_MAX && !memchr(owner, 0, owner_size))
		memcpy(ret->owner, owner, owner_size);
	if (!eid_is_name(ret->owner))
		items_fail(&items, -EBADMSG);
	ret->end = (enum task_end)items_number_to(&items, TASK_ENDS - 1);
	ret->code = items_number_to(&items, 255);
	ret->run = items_number_to(&items, INT64_MAX);
	ret->output = items_bytes(&items, &ret->output_size);
	ret->error = items_bytes(&items, &ret->error_size);
	if (ret->output_size > TASK_SAID_MAX || ret->error_size > TASK_SAID_MAX)
		items_fail(&items, -EBADMSG);
	ret->output_count = read_count(&items, TASK_FILES_MAX);
	ret->outputs = new_files(&items, ret->output_count);
	for (unsigned i = 0; ret->outputs && i < ret->output_count && !items.err; i++) {
		if (items_array(&items) != 3)
			items_fail(&items, -EBADMSG);
		read_name(&items, ret->outputs[i].name);
		items_bytes_fixed(&items, ret->outputs[i].object, OBJECT_ID_SIZE);
		ret->outputs[i].size =
			items_number_to(&items, (uint64_t)OBJECT_PIECES * OBJECT_PIECE);
	}
	if (!items.err)
		no_twins(&items, ret->outputs, ret->output_count);
	return items.err == -ENOMEM ? -ENOMEM : end(&items);
}

int task_read_recall(const void *data, size_t size, uint8_t ret_id[static TASK_ID_SIZE])
{
	struct items items = items_of(data, size);

	begin(&items, TASK_RECALL, 2);
	items_bytes_fixed(&items, ret_id, TASK_ID_SIZE);
	return end(&items);
}

int task_read_device(const void *data, size_t size, struct task_device *ret)
{
	struct items items = items_of(data, size);

	*ret = (struct task_device){0};
	begin(&items, TASK_DEVICE, 4);
	ret->time = items_number(&items);
	ret->slots = items_number_to(&items, 4096);
	ret->load = items_number_to(&items, INT64_MAX / 4096);
	return end(&items);
}

enum task_message_type task_type(const void *data, size_t size)
{
	struct items items = items_of(data, size);
	uint64_t type;

	items_array(&items);
	type = items_number_to(&items, TASK_DEVICE);
	return items.err ? 0 : (enum task_message_type)type;
}

void task_digest(const struct task_result *result, uint8_t ret[static HASH_SIZE])
{
	_cleanup_bytes_ struct bytes text = {0};

	items_put_number(&text, result->end);
	items_put_number(&text, result->code);
	items_put_bytes(&text, result->output, result->output_size);
	for (unsigned i = 0; i < result->output_count; i++) {
		items_put_bytes(&text, result->outputs[i].name, strlen(result->outputs[i].name));
		items_put_bytes(&text, result->outputs[i].object, OBJECT_ID_SIZE);
	}
	gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data, text.size, ret);
}

const char *task_end_text(enum task_end end, uint64_t code, char text[static 96])
{
	static const char *const words[TASK_ENDS] = {
		[TASK_TIME] = "stopped: it ran longer than its limit",
		[TASK_MEMORY] = "stopped: it needed more memory than its limit",
		[TASK_DISK] = "stopped: it wrote more than its limit",
		[TASK_PROCESSES] = "stopped: it started more processes than its limit",
		[TASK_NOT_MADE] = "an output is missing, or is no file",
		[TASK_NOT_RUN] = "it could not be run",
	};

	if (end == TASK_EXITED)
		snprintf(text, 96, "exit status %u", (unsigned)code);
	else if (end == TASK_KILLED)
		snprintf(text, 96, "killed by signal %u", (unsigned)code);
	else
		snprintf(text, 96, "%s", words[end]);
	return text;
}

int task_sign(struct bytes *to, const struct identity *identity, const struct bytes *message)
{
	_cleanup_bytes_ struct bytes certificate = {0};
	uint8_t signature[SIGNATURE_SIZE];
	int code = identity_put_certificate(identity, &certificate);

	if (code == 0 && message->failed)
		code = -ENOMEM;
	if (code == 0)
		code = identity_sign(identity, message->data, message->size, signature);
	if (code < 0)
		return code;
	items_put_array(to, 3);
	items_put_bytes(to, message->data, message->size);
	items_put_bytes(to, certificate.data, certificate.size);
	items_put_bytes(to, signature, SIGNATURE_SIZE);
	return to->failed ? -ENOMEM : 0;
}

int task_open(const struct identity *identity, const void *data, size_t size,
	      char ret_node[static NODE_MAX], const uint8_t **ret_message, size_t *ret_size,
	      struct err *err)
{
	struct items items = items_of(data, size);
	uint8_t signature[SIGNATURE_SIZE];
	gnutls_x509_crt_t certificate;
	const uint8_t *der;
	size_t der_size;
	int code;

	if (items_array(&items) != 3)
		items_fail(&items, -EBADMSG);
	*ret_message = items_bytes(&items, ret_size);
	der = items_bytes(&items, &der_size);
	items_bytes_fixed(&items, signature, SIGNATURE_SIZE);
	if (end(&items) < 0 || der_size > CERTIFICATE_MAX || size > TASK_ENVELOPE_MAX)
		return err_set(err, -EBADMSG, "it is no message about tasks");
	code = identity_check(identity, der, der_size, ret_node, &certificate, err);
	if (code < 0)
		return code;
	if (!identity_verify(certificate, *ret_message, *ret_size, signature))
		code = err_set(err, -EKEYREJECTED, "it is not signed by '%s', whose name it has",
			       ret_node);
	gnutls_x509_crt_deinit(certificate);
	return code;
}
