/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/recall.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS 2048
#define NONE   UINT16_MAX

struct recall {
	unsigned oldest;         /* the slot that is used next */
	uint16_t chains[CHAINS]; /* first slot of the sockets that fall together, in order */
	struct recalled slots[RECALL_SLOTS];
	bool used[RECALL_SLOTS];
};

_Static_assert(RECALL_SLOTS < NONE, "a slot's number fits");

struct recall *recall_new(void)
{
	struct recall *recall = calloc(1, sizeof(*recall));

	if (recall)
		memset(recall->chains, 0xff, sizeof(recall->chains));
	return recall;
}

void recall_free(struct recall *recall)
{
	free(recall);
}

/* The place that holds the number of the slot, or NONE at its chain's end. */
static uint16_t *find(struct recall *recall, uint64_t cookie, int level, int name)
{
	uint16_t *at = &recall->chains[cookie % CHAINS];

	while (*at != NONE) {
		struct recalled *slot = &recall->slots[*at];

		if (slot->cookie == cookie && slot->level == level && slot->name == name)
			break;
		at = &slot->next;
	}
	return at;
}

void recall_forget(struct recall *recall, uint64_t cookie, int level, int name)
{
	uint16_t *at = find(recall, cookie, level, name);

	if (*at == NONE)
		return;
	recall->used[*at] = false;
	*at = recall->slots[*at].next;
}

void recall_put(struct recall *recall, uint64_t cookie, int level, int name, const void *value,
		size_t length)
{
	uint16_t *at = find(recall, cookie, level, name);
	struct recalled *slot;

	if (*at == NONE) {
		unsigned number = recall->oldest;

		slot = &recall->slots[number];
		if (recall->used[number])
			recall_forget(recall, slot->cookie, slot->level, slot->name);
		recall->oldest = (number + 1) % RECALL_SLOTS;
		recall->used[number] = true;
		/* What was forgotten may have been in front of @at. */
		at = find(recall, cookie, level, name);
		*at = (uint16_t)number;
		*slot = (struct recalled){
			.cookie = cookie, .level = level, .name = name, .next = NONE};
	}
	slot = &recall->slots[*at];
	slot->length = (uint16_t)(length < RECALL_BYTES ? length : RECALL_BYTES);
	memset(slot->bytes, 0, sizeof(slot->bytes));
	if (slot->length > 0)
		memcpy(slot->bytes, value, slot->length);
}

const struct recalled *recall_next(const struct recall *recall, uint64_t cookie,
				   const struct recalled *after)
{
	uint16_t at = after ? after->next : recall->chains[cookie % CHAINS];

	while (at != NONE && recall->slots[at].cookie != cookie)
		at = recall->slots[at].next;
	return at == NONE ? NULL : &recall->slots[at];
}

const struct recalled *recall_get(const struct recall *recall, uint64_t cookie, int level, int name)
{
	const struct recalled *one = NULL;

	while ((one = recall_next(recall, cookie, one)))
		if (one->level == level && one->name == name)
			break;
	return one;
}
