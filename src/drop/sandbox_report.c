/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sandbox_put_report(struct bytes *to, const struct sandbox_report *report)
{
	items_put_array(to, 6);
	items_put_number(to, report->end);
	items_put_number(to, report->code);
	items_put_number(to, report->run);
	items_put_bytes(to, report->output, report->output_size);
	items_put_bytes(to, report->error, report->error_size);
	items_put_array(to, report->output_count);
	for (unsigned i = 0; i < report->output_count; i++) {
		const struct sandbox_output *output = &report->outputs[i];

		items_put_array(to, 3);
		items_put_bytes(to, output->name, strlen(output->name));
		items_put_number(to, output->size);
		items_put_bytes(to, output->hashes, (size_t)output->count * HASH_SIZE);
	}
}

static void read_output(struct items *items, struct sandbox_output *ret)
{
	const uint8_t *name;
	size_t size;

	if (items_array(items) != 3)
		items_fail(items, -EBADMSG);
	name = items_bytes(items, &size);
	if (!items->err && size < TASK_NAME_MAX && !memchr(name, 0, size))
		memcpy(ret->name, name, size);
	ret->size = items_number_to(items, (uint64_t)OBJECT_PIECES * OBJECT_PIECE);
	ret->hashes = items_bytes(items, &size);
	ret->count = object_pieces(ret->size);
	if (!items->err && (!task_is_name(ret->name) || size != (size_t)ret->count * HASH_SIZE))
		items_fail(items, -EBADMSG);
}

int sandbox_read_report(const void *data, size_t size, struct sandbox_report *ret)
{
	struct items items = items_of(data, size);
	uint64_t count;

	*ret = (struct sandbox_report){0};
	if (items_array(&items) != 6)
		items_fail(&items, -EBADMSG);
	ret->end = (enum task_end)items_number_to(&items, TASK_ENDS - 1);
	ret->code = items_number_to(&items, 255);
	ret->run = items_number(&items);
	ret->output = items_bytes(&items, &ret->output_size);
	ret->error = items_bytes(&items, &ret->error_size);
	if (ret->output_size > TASK_SAID_MAX || ret->error_size > TASK_SAID_MAX)
		items_fail(&items, -EBADMSG);
	count = items_array(&items);
	if (count > TASK_FILES_MAX)
		items_fail(&items, -EBADMSG);
	ret->output_count = items.err ? 0 : (unsigned)count;
	ret->outputs = calloc(ret->output_count + 1, sizeof(*ret->outputs));
	if (!ret->outputs)
		return -ENOMEM;
	for (unsigned i = 0; i < ret->output_count && !items.err; i++)
		read_output(&items, &ret->outputs[i]);
	return items.err || items.at != items.end ? -EBADMSG : 0;
}
