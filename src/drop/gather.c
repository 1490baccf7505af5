/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void progressed(void *data, struct store_object *object)
{
	struct gathered *one = data;
	struct gather *gather = one->gather;

	if (one->object || object->have < object->count)
		return;
	one->object = object;
	object->wanted++;
	if (++gather->here == gather->count)
		gather->changed(gather->data);
}

int gather_begin(struct gather *gather, struct node *node, const struct task_file *files,
		 unsigned count, void (*changed)(void *data), void *data)
{
	int code = 0;

	*gather = (struct gather){.node = node, .count = count, .changed = changed, .data = data};
	gather->waiters = calloc(count + 1, sizeof(*gather->waiters));
	gather->all = calloc(count + 1, sizeof(*gather->all));
	if (!gather->waiters || !gather->all) {
		gather->count = 0;
		gather_end(gather);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < count && code == 0; i++) {
		gather->all[i].gather = gather;
		memcpy(gather->all[i].id, files[i].object, OBJECT_ID_SIZE);
		gather->waiters[i] =
			(struct want_waiter){.progressed = progressed, .data = &gather->all[i]};
		code = wants_add(node, gather->all[i].id, &gather->waiters[i]);
	}
	if (code < 0)
		gather_end(gather);
	else if (count == 0)
		changed(data);
	return code;
}

bool gather_is_done(const struct gather *gather)
{
	return gather->all && gather->here == gather->count;
}

void gather_end(struct gather *gather)
{
	for (unsigned i = 0; i < gather->count; i++) {
		wants_remove(gather->node, &gather->waiters[i]);
		if (gather->all[i].object)
			gather->all[i].object->wanted--;
	}
	free(gather->waiters);
	free(gather->all);
	*gather = (struct gather){0};
}
