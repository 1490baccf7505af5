/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that somebody here waits for. All are asked who has one; those who answer are its holders, and are asked for pieces:
 * the nearest most, all at once, each for as many as its window lets (decisions.h). A holder from which nothing comes loses what
 * it was asked for to the others; a damaged piece is asked for again, of somebody else if there is anybody.
 */
#include "drop/node_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDERS_MAX  16
#define ASK_FIRST    (2 * NS_PER_S)
#define ASK_LAST     (60 * NS_PER_S)
#define ASK_LIFETIME (24 * 3600 * 1000ULL) /* ms */
#define SLOW_NEAR    (20 * NS_PER_S)       /* nothing came for that long */
#define SLOW_FAR     (300 * NS_PER_S)
#define LOST         (3 * NS_PER_S) /* for how long a contact that broke off may come back */
#define NOBODY       0xff
#define BAD_MAX      3 /* damaged pieces that a holder may send */

struct holder {
	char node[NODE_MAX];
	uint64_t hops, last; /* when something came, ns */
	uint64_t lost;       /* when the contact broke off; 0: it has not */
	unsigned asked, bad;
	uint8_t *there; /* which pieces; NULL: all. Owned */
};

struct want {
	uint8_t id[OBJECT_ID_SIZE];
	struct store_object *object; /* NULL: nobody has told what it is */
	struct want_waiter *waiters;
	struct holder holders[HOLDERS_MAX];
	unsigned holder_count;
	uint8_t *asked; /* of each piece: which holder; owned */
	uint64_t ask_at, ask_wait;
	uint32_t first; /* pieces before it are there */
	struct want *next;
};

static struct want *find(const struct node *node, const uint8_t *id)
{
	for (struct want *at = node->wants; at; at = at->next)
		if (memcmp(at->id, id, OBJECT_ID_SIZE) == 0)
			return at;
	return NULL;
}

static void ask_all(struct node *node, struct want *want, uint64_t now)
{
	_cleanup_bytes_ struct bytes question = {0};
	struct object_message message = {.type = MESSAGE_ASK};

	memcpy(message.id, want->id, OBJECT_ID_SIZE);
	object_message_put(&question, &message);
	carry_send(node, ASKED_ALL, &question, &(struct carry_options){.lifetime = ASK_LIFETIME});
	want->ask_at = now + want->ask_wait;
	want->ask_wait = want->ask_wait * 2 < ASK_LAST ? want->ask_wait * 2 : ASK_LAST;
}

static unsigned hops_of(const struct node *node, const struct holder *holder)
{
	return node_contact(node, holder->node) ? 0 : (unsigned)holder->hops + 1;
}

static bool has(const struct holder *holder, uint32_t piece)
{
	return !holder->there || holder->there[piece / 8] >> piece % 8 & 1;
}

static void ask_holder(struct node *node, struct want *want, unsigned index)
{
	struct holder *holder = &want->holders[index];
	unsigned window = node->decisions->window(hops_of(node, holder));
	struct object_message message = {.type = MESSAGE_FETCH};
	_cleanup_bytes_ struct bytes payload = {0};
	struct eid to = eid_make(holder->node, SERVICE_OBJECTS);

	/* Not one by one: each message is a bundle. */
	if (holder->bad >= BAD_MAX || holder->lost ||
	    (holder->asked > window / 2 && holder->asked > 0))
		return;
	for (uint32_t piece = want->first; piece < want->object->count && holder->asked < window &&
					   message.piece_count < FETCH_MAX;
	     piece++) {
		if (object_has(want->object, piece) || want->asked[piece] != NOBODY ||
		    !has(holder, piece))
			continue;
		want->asked[piece] = (uint8_t)index;
		holder->asked++;
		message.pieces[message.piece_count++] = piece;
	}
	if (message.piece_count == 0)
		return;
	memcpy(message.id, want->id, OBJECT_ID_SIZE);
	object_message_put(&payload, &message);
	carry_send(node, to.text, &payload, &(struct carry_options){.lifetime = ASK_LIFETIME});
}

static void release(struct want *want, unsigned index)
{
	for (uint32_t i = 0; want->object && i < want->object->count; i++)
		if (want->asked[i] == index)
			want->asked[i] = NOBODY;
	want->holders[index].asked = 0;
}

/* The nearest first. */
static void pump(struct node *node, struct want *want)
{
	bool done[HOLDERS_MAX] = {false};

	if (!want->object)
		return;
	while (want->first < want->object->count && object_has(want->object, want->first))
		want->first++;
	for (unsigned turn = 0; turn < want->holder_count; turn++) {
		unsigned best = HOLDERS_MAX;

		for (unsigned i = 0; i < want->holder_count; i++)
			if (!done[i] &&
			    (best == HOLDERS_MAX || hops_of(node, &want->holders[i]) <
							    hops_of(node, &want->holders[best])))
				best = i;
		done[best] = true;
		ask_holder(node, want, best);
	}
}

static void free_want(struct node *node, struct want *want)
{
	for (struct want **at = &node->wants; *at; at = &(*at)->next)
		if (*at == want) {
			*at = want->next;
			break;
		}
	for (unsigned i = 0; i < want->holder_count; i++)
		free(want->holders[i].there);
	if (want->object)
		want->object->wanted--;
	free(want->asked);
	free(want);
}

static void tell(struct node *node, struct want *want)
{
	struct store_object *object = want->object;

	if (!object)
		return;
	for (struct want_waiter *at = want->waiters; at; at = at->next)
		at->progressed(at->data, object);
	if (object->have == object->count)
		free_want(node, want);
}

static int know(struct want *want, struct store_object *object)
{
	want->asked = malloc(object->count + 1);
	if (!want->asked)
		return -ENOMEM;
	memset(want->asked, NOBODY, object->count + 1);
	want->object = object;
	object->wanted++;
	return 0;
}

int wants_add(struct node *node, const uint8_t id[static OBJECT_ID_SIZE],
	      struct want_waiter *waiter)
{
	struct want *want = find(node, id);
	struct store_object *object = store_object(node->store, id);

	if (object && object->have == object->count) {
		store_object_used(node->store, object, node_wall());
		waiter->progressed(waiter->data, object);
		return 0;
	}
	if (!want) {
		want = calloc(1, sizeof(*want));
		if (!want)
			return -ENOMEM;
		memcpy(want->id, id, OBJECT_ID_SIZE);
		want->ask_wait = ASK_FIRST;
		if (object && know(want, object) < 0) {
			free(want);
			return -ENOMEM;
		}
		want->next = node->wants;
		node->wants = want;
		ask_all(node, want, clock_now());
	}
	waiter->next = want->waiters;
	want->waiters = waiter;
	if (want->object)
		waiter->progressed(waiter->data, want->object);
	return 0;
}

void wants_remove(struct node *node, struct want_waiter *waiter)
{
	struct want *next;

	for (struct want *want = node->wants; want; want = next) {
		next = want->next;
		for (struct want_waiter **at = &want->waiters; *at; at = &(*at)->next)
			if (*at == waiter) {
				*at = waiter->next;
				break;
			}
		if (!want->waiters)
			free_want(node, want);
	}
}

static struct holder *holder_of(struct want *want, const char *name)
{
	for (unsigned i = 0; i < want->holder_count; i++)
		if (strcmp(want->holders[i].node, name) == 0)
			return &want->holders[i];
	return NULL;
}

void wants_have(struct node *node, const char *name, uint64_t hops,
		const struct object_message *message)
{
	struct want *want = find(node, message->id);
	struct store_object *object;
	struct holder *holder;
	int code = 0;

	if (!want)
		return;
	if (!want->object) {
		code = store_object_new(node->store, message->id, message->size, message->hashes,
					node_wall(), &object);
		if (code == 0)
			code = know(want, object);
	}
	if (code < 0) {
		node_say(node, name, "what '%s' says of an object is not taken: %s", name,
			 code == -EBADMSG ? "it is not what it is called" : strerror(-code));
		return;
	}
	if (!want->object || message->size != want->object->size)
		return;
	holder = holder_of(want, name);
	if (!holder && want->holder_count < HOLDERS_MAX) {
		holder = &want->holders[want->holder_count++];
		*holder = (struct holder){.last = clock_now()};
		snprintf(holder->node, sizeof(holder->node), "%s", name);
	}
	if (!holder)
		return;
	if (!holder->asked)
		holder->last = clock_now();
	holder->hops = hops;
	free(holder->there);
	holder->there = NULL;
	if (message->there) {
		holder->there = malloc(message->count / 8 + 1);
		if (holder->there)
			memcpy(holder->there, message->there, message->count / 8 + 1);
	}
	pump(node, want);
	tell(node, want);
}

static void answered(struct want *want, const char *name, uint32_t piece)
{
	struct holder *holder = holder_of(want, name);
	uint8_t who = want->object && piece < want->object->count ? want->asked[piece] : NOBODY;

	if (who != NOBODY) {
		want->asked[piece] = NOBODY;
		want->holders[who].asked--;
	}
	if (holder)
		holder->last = clock_now();
}

void wants_piece(struct node *node, const char *name, struct store_object *object, uint32_t piece,
		 bool good)
{
	struct want *want = find(node, object->id);
	struct holder *holder;

	if (!want || piece >= object->count)
		return;
	if (!want->object && know(want, object) < 0)
		return;
	answered(want, name, piece);
	holder = holder_of(want, name);
	if (!good && holder)
		holder->bad++;
	pump(node, want);
	tell(node, want);
}

void wants_gone(struct node *node, const char *name, const uint8_t *id, uint32_t piece)
{
	struct want *want = find(node, id);
	struct holder *holder = want ? holder_of(want, name) : NULL;

	if (!holder || !want->object || piece >= want->object->count)
		return;
	answered(want, name, piece);
	if (!holder->there) {
		holder->there = malloc(want->object->count / 8 + 1);
		if (!holder->there)
			return;
		memset(holder->there, 0xff, want->object->count / 8 + 1);
	}
	holder->there[piece / 8] &= (uint8_t) ~(1u << piece % 8);
	pump(node, want);
}

void wants_contact(struct node *node, const char *peer, bool open)
{
	uint64_t now = clock_now();

	for (struct want *want = node->wants; want; want = want->next) {
		struct holder *holder = holder_of(want, peer);

		if (holder) {
			holder->lost = open ? 0 : now;
			holder->last = now;
		}
		pump(node, want);
	}
}

void wants_tick(struct node *node, uint64_t now)
{
	for (struct want *want = node->wants; want; want = want->next) {
		for (unsigned i = 0; i < want->holder_count; i++) {
			struct holder *holder = &want->holders[i];
			uint64_t slow = hops_of(node, holder) == 0 ? SLOW_NEAR : SLOW_FAR;

			if (holder->lost && now - holder->lost > LOST) {
				release(want, i);
				holder->lost = 0; /* it may be reached over others */
			} else if (holder->asked && !holder->lost && now - holder->last > slow) {
				release(want, i);
				holder->last = now;
			}
		}
		if (now >= want->ask_at)
			ask_all(node, want, now);
		pump(node, want);
	}
}

void wants_close(struct node *node)
{
	while (node->wants)
		free_want(node, node->wants);
}
