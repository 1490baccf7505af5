/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a contact to the store, or to whom it is for: what becomes of a bundle that arrives. It is acknowledged when it is on disk.
 *
 * What arrived of a transfer that broke off is kept (store_partial_save()), and left out when a neighbour sends it again.
 */
#include "drop/forward.h"
#include "drop/node_parts.h"
#include "drop/work.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_AGAIN (10 * NS_PER_S)

/* Counting takes long: now and then, and meanwhile what is added. */
static unsigned carries(struct node *node, struct contact *contact)
{
	uint64_t now = clock_now();

	if (!contact->counted || now - contact->counted > COUNT_AGAIN) {
		contact->carries = store_count_from(node->store, contact->peer);
		contact->counted = now;
	}
	return contact->carries;
}

static bool take(struct node *node, struct contact *contact, const struct bundle *bundle)
{
	uint64_t now = node_wall(), expires = forward_expires(bundle, now);
	const struct decision_bundle what = {
		.destination = bundle->destination.text,
		.size = bundle->payload.size,
		.left = expires > now ? expires - now : 0,
		.to_neighbour = eid_is_at(bundle->destination.text, contact->peer),
		.to_group = eid_is_group(&bundle->destination),
	};
	const struct decision_neighbour who = {
		.node = contact->peer,
		.rate = contact->rate,
		.carries_for_it = carries(node, contact),
	};

	return node->decisions->take(&what, &who);
}

int arrive_begins(struct contact *contact, const uint8_t *bytes, size_t size)
{
	struct node *node = contact->node;
	uint8_t key[TCPCL_KEY_SIZE];
	struct bundle bundle;
	size_t payload;
	int code = bundle_read_head(bytes, size, &bundle, &payload);

	if (code == -EAGAIN)
		return TCPCL_MORE;
	if (code < 0) {
		node_say(node, contact->peer, "'%s' sends what is no bundle", contact->peer);
		return REFUSAL_UNACCEPTABLE;
	}
	store_key(&bundle, key);
	if (store_has(node->store, key))
		return REFUSAL_COMPLETED;
	if (bundle.payload.size > TCPCL_TRANSFER)
		return REFUSAL_RESOURCES;
	if (!eid_is_at(bundle.destination.text, node->identity->node) &&
	    !take(node, contact, &bundle)) {
		node_say(node, contact->peer, "'%s' wants more carried than its share",
			 contact->peer);
		return REFUSAL_RESOURCES;
	}
	return TCPCL_GO;
}

/* Puts what we had of it between the head that came now and what came behind that. */
static int put_together(struct node *node, struct bytes *bytes, uint64_t left_out)
{
	_cleanup_bytes_ struct bytes had = {0}, whole = {0};
	struct bundle now, then;
	size_t at_now, at_then;
	uint8_t key[TCPCL_KEY_SIZE];

	if (bundle_read_head(bytes->data, bytes->size, &now, &at_now) < 0)
		return -EBADMSG;
	store_key(&now, key);
	if (store_partial_load(node->store, key, &had) < 0 ||
	    bundle_read_head(had.data, had.size, &then, &at_then) < 0 ||
	    had.size - at_then < left_out)
		return -ENOENT;
	bytes_put(&whole, bytes->data, at_now);
	bytes_put(&whole, had.data + at_then, left_out);
	bytes_put(&whole, bytes->data + at_now, bytes->size - at_now);
	if (whole.failed)
		return -ENOMEM;
	bytes_free(bytes);
	*bytes = whole;
	whole = (struct bytes){0};
	return 0;
}

/* What a node does with a bundle for it. */
int arrive_deliver(struct node *node, const struct bundle *bundle)
{
	const char *service = eid_service(&bundle->destination);
	struct err err;
	int code;

	if (strcmp(service, SERVICE_OBJECTS) == 0 || strcmp(service, "~" SERVICE_OBJECTS) == 0)
		return objects_arrived(node, bundle,
				       bundle->hop_count > 0 ? bundle->hop_count - 1 : 0);
	if (strcmp(service, SERVICE_TASKS) == 0 || strcmp(service, "~" SERVICE_TASKS) == 0) {
		work_arrived(node, bundle);
		return 0;
	}
	if (strcmp(service, SERVICE_CROWD) == 0) {
		code = identity_take_revoked(node->identity, bundle->payload.data,
					     bundle->payload.size, &err);
		if (code < 0)
			node_say(node, "revoked", "%s", err.text);
		if (code > 0)
			node_revoked(node);
		return 0;
	}
	node_say(node, "service", "a bundle from %s for '%s': there is no such service here",
		 bundle->source.text, service);
	return 0;
}

/* Deals with a bundle that is whole; 0, or what it is refused with. */
static int dispose(struct node *node, struct contact *contact, struct bundle *bundle,
		   const struct bytes *bytes)
{
	_cleanup_bytes_ struct bytes again = {0};
	static const struct bytes nothing;
	struct store_bundle row;
	bool ours = eid_is_at(bundle->destination.text, node->identity->node),
	     group = eid_is_group(&bundle->destination),
	     fragment = (ours || group) && bundle->flags & BUNDLE_FRAGMENT;
	int code = 0;

	carry_facts(bundle, &row);
	if (store_has(node->store, row.key))
		return 0;
	if (fragment && bundle->total > TCPCL_TRANSFER)
		return -EFBIG;
	if (ours || group)
		code = fragment ? -EAGAIN : arrive_deliver(node, bundle);
	row.state = !ours ? STORE_CARRIED : code == -EAGAIN ? STORE_WAITING : STORE_DONE;
	if (row.state == STORE_DONE)
		return store_add(node->store, &row, &nothing, contact->peer);
	/* As it is now: blocks may be gone, and the hop is counted. */
	bundle_put(&again, bundle, 0);
	if (again.failed)
		return -ENOMEM;
	code = store_add(node->store, &row, &again, contact->peer);
	if (code < 0)
		return code;
	contact->carries++;
	node_wake_contacts(node);
	return fragment ? parts_arrived(node, bundle, &row) : 0;
}

static void settle_later(struct node *node, struct contact *contact, uint64_t id)
{
	if (node->unsettled_count == node->unsettled_room) {
		size_t room = node->unsettled_room ? 2 * node->unsettled_room : 64;
		struct unsettled *more = realloc(node->unsettled, room * sizeof(*more));

		if (!more) {
			tcpcl_refuse(contact->session, id, REFUSAL_RESOURCES);
			return;
		}
		node->unsettled = more;
		node->unsettled_room = room;
	}
	node->unsettled[node->unsettled_count++] = (struct unsettled){contact, id};
}

void arrive_whole(struct contact *contact, uint64_t id, struct bytes *bytes, uint64_t left_out)
{
	struct node *node = contact->node;
	uint8_t key[TCPCL_KEY_SIZE];
	struct bundle bundle;
	int code = left_out ? put_together(node, bytes, left_out) : 0;

	if (code == 0)
		code = bundle_read(bytes->data, bytes->size, &bundle);
	if (code < 0) {
		size_t payload;

		node_say(node, contact->peer, "'%s' sends a broken bundle", contact->peer);
		if (bundle_read_head(bytes->data, bytes->size, &bundle, &payload) == 0) {
			store_key(&bundle, key);
			store_partial_drop(node->store, key);
		}
		tcpcl_refuse(contact->session, id,
			     left_out ? REFUSAL_RETRANSMIT : REFUSAL_UNACCEPTABLE);
		return;
	}
	store_key(&bundle, key);
	if (contact->self.held_count)
		store_partial_drop(node->store, key);
	code = forward_arrive(&bundle, node_wall());
	if (code < 0) {
		node_say(node, contact->peer,
			 code == -ELOOP
				 ? "a bundle from '%s' is refused: it went over too many nodes"
			 : code == -ETIME
				 ? "a bundle from '%s' is refused: its time is over"
				 : "a bundle from '%s' is refused: it has a block that must "
				   "be known, and is not",
			 contact->peer);
		tcpcl_refuse(contact->session, id, REFUSAL_UNACCEPTABLE);
		return;
	}
	code = dispose(node, contact, &bundle, bytes);
	if (code < 0) {
		node_say(node, contact->peer, "a bundle from '%s' is refused: %s", contact->peer,
			 strerror(-code));
		tcpcl_refuse(contact->session, id, REFUSAL_RESOURCES);
		return;
	}
	settle_later(node, contact, id);
}

/* What has arrived of a transfer up to its breaking off is worth the room if it is more than a segment. */
void arrive_broken_off(struct contact *contact)
{
	struct node *node = contact->node;
	uint64_t left_out;
	struct bytes *bytes = tcpcl_partial(contact->session, &left_out);
	struct bundle bundle;
	size_t payload;
	uint8_t key[TCPCL_KEY_SIZE];

	if (bytes->size == 0 || bundle_read_head(bytes->data, bytes->size, &bundle, &payload) < 0 ||
	    bytes->size <= payload)
		return;
	if (left_out && put_together(node, bytes, left_out) < 0)
		return;
	store_key(&bundle, key);
	if (store_partial_save(node->store, key, bytes) < 0)
		store_partial_drop(node->store, key);
}
