/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the store to contacts: which bundle a neighbour gets next, and what its answer means. What is acknowledged by the one it is for
 * is forgotten, but for its key.
 */
#include "drop/forward.h"
#include "drop/node_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REVOKED_LIFETIME (600 * 1000ULL)

/* The cookie of a transfer: the bundle's row, and whether its receiver is whom it is for. */
static uint64_t cookie_of(uint64_t row, bool to_it)
{
	return row << 1 | to_it;
}

void carry_facts(const struct bundle *bundle, struct store_bundle *ret)
{
	uint64_t now = node_wall();

	*ret = (struct store_bundle){.received = now, .expires = forward_expires(bundle, now)};
	store_key(bundle, ret->key);
	snprintf(ret->destination, sizeof(ret->destination), "%s", bundle->destination.text);
}

void carry_settled(struct contact *contact, uint64_t cookie, int refusal)
{
	struct node *node = contact->node;
	struct store_bundle row;

	if (refusal >= 0 && refusal != REFUSAL_COMPLETED && refusal != REFUSAL_UNACCEPTABLE)
		return; /* at another contact, perhaps */
	if (!store_find(node->store, cookie >> 1, &row))
		return;
	if (cookie & 1)
		store_done(node->store, &row);
	else
		store_given(node->store, row.id, contact->peer);
}

/* The payload of a bundle that is a piece of an object here. */
static int put_piece(struct node *node, const struct store_bundle *row, struct bytes *to)
{
	static uint8_t piece[OBJECT_PIECE];
	struct store_object *object = store_object(node->store, row->object);
	struct object_message message = {.type = MESSAGE_PIECE, .pieces = {row->piece}};
	int code = object ? store_object_read(node->store, object, row->piece, piece) : -ENOENT;

	memcpy(message.id, row->object, OBJECT_ID_SIZE);
	message.data = piece;
	if (code == 0)
		message.data_size = object_piece_size(object, row->piece);
	else
		message.type = MESSAGE_GONE;
	if (code == -EBADMSG)
		node_say(node, NULL, "piece %u of an object is damaged here, and dropped",
			 row->piece);
	object_message_put(to, &message);
	return to->failed ? -ENOMEM : 0;
}

/* How much of the payload the neighbour has said that it holds. */
static uint64_t held_by(const struct contact *contact, const struct store_bundle *row, size_t size)
{
	const struct tcpcl_hello *peer = tcpcl_peer(contact->session);

	for (unsigned i = 0; i < peer->held_count; i++)
		if (memcmp(peer->held[i].key, row->key, TCPCL_KEY_SIZE) == 0)
			return peer->held[i].size < size ? peer->held[i].size : 0;
	return 0;
}

static int send_row(struct node *node, struct contact *contact, const struct store_bundle *row,
		    bool to_it)
{
	_cleanup_bytes_ struct bytes stored = {0}, payload = {0}, out = {0};
	uint64_t now = node_wall(), left_out;
	struct bundle bundle = {0};
	int code = store_load(node->store, row, &stored);

	if (code == 0)
		code = bundle_read(stored.data, stored.size, &bundle);
	if (code == 0 && row->is_piece) {
		code = put_piece(node, row, &payload);
		bundle.payload.data = payload.data;
		bundle.payload.size = payload.size;
	}
	if (code == 0)
		code = forward_depart(&bundle, &node->identity->eid,
				      now > row->received ? now - row->received : 0);
	if (code < 0)
		return code;
	left_out = held_by(contact, row, bundle.payload.size);
	bundle_put(&out, &bundle, left_out);
	if (out.failed)
		return -ENOMEM;
	if (left_out)
		node_say(node, NULL, "'%s' goes on with a bundle from byte %llu", contact->peer,
			 (unsigned long long)left_out);
	return tcpcl_send(contact->session, cookie_of(row->id, to_it), &out, left_out);
}

static bool offer(struct node *node, const struct contact *contact, const struct store_bundle *row,
		  bool to_it)
{
	uint64_t now = node_wall();
	char name[NODE_MAX];
	struct eid eid;
	bool parsed = eid_parse(row->destination, &eid) == 0;
	const struct decision_bundle what = {
		.destination = row->destination,
		.size = row->size,
		.held = now > row->received ? now - row->received : 0,
		.left = row->expires > now ? row->expires - now : 0,
		.to_neighbour = to_it,
		.to_group = parsed && eid_is_group(&eid),
		.destination_is_near = parsed && eid_node(&eid, name) && node_contact(node, name),
	};
	const struct decision_neighbour who = {.node = contact->peer, .rate = contact->rate};

	return node->decisions->offer(&what, &who);
}

bool carry_next(struct contact *contact)
{
	struct node *node = contact->node;
	struct store_bundle row;

	for (;;) {
		bool to_it = store_next(node->store, contact->peer, true, contact->cursor_to,
					node_wall(), &row);
		int code;

		if (!to_it && !store_next(node->store, contact->peer, false, contact->cursor_any,
					  node_wall(), &row)) {
			/* All up to here is given: that is not looked through again. */
			contact->cursor_to = contact->cursor_any = store_last(node->store);
			return false;
		}
		*(to_it ? &contact->cursor_to : &contact->cursor_any) = row.id;
		if (!to_it && eid_is_at(row.destination, contact->peer))
			continue;
		if (!offer(node, contact, &row, to_it))
			continue;
		code = send_row(node, contact, &row, to_it);
		if (code == 0)
			return true;
		if (code == -EAGAIN)
			return false;
		if (code != -EMSGSIZE) {
			node_say(node, NULL, "a bundle to %s cannot be read any more: %s",
				 row.destination, strerror(-code));
			store_done(node->store, &row);
		}
	}
}

int carry_send(struct node *node, const char *destination, const struct bytes *payload,
	       const struct carry_options *options)
{
	_cleanup_bytes_ struct bytes out = {0};
	uint64_t now = node_wall();
	struct bundle bundle = {
		.crc = CRC_32C,
		.source = eid_make(node->identity->node, SERVICE_OBJECTS),
		.created = now > DTN_EPOCH_MS ? now - DTN_EPOCH_MS : 0, /* 0: no clock */
		.sequence = node->sequence++,
		.lifetime = options->lifetime,
		.hop_limit = FORWARD_HOPS,
		.payload = {.type = BLOCK_PAYLOAD, .number = 1, .crc = CRC_32C},
	};
	struct store_bundle row;
	int code = eid_parse(destination, &bundle.destination);

	if (code < 0 || eid_parse("dtn:none", &bundle.report_to) < 0)
		return -EINVAL;
	if (!bundle_want(&bundle, BLOCK_AGE) || !bundle_want(&bundle, BLOCK_HOPS))
		return -E2BIG;
	if (!options->object) {
		bundle.payload.data = payload->data;
		bundle.payload.size = payload->size;
	}
	bundle_put(&out, &bundle, 0);
	if (out.failed)
		return -ENOMEM;
	carry_facts(&bundle, &row);
	if (options->object) {
		row.is_piece = true;
		row.piece = options->piece;
		memcpy(row.object, options->object, OBJECT_ID_SIZE);
	}
	code = store_add(node->store, &row, &out, NULL);
	if (code == 0)
		node_wake_contacts(node);
	return code;
}

void carry_send_revoked(struct node *node, struct contact *contact)
{
	_cleanup_bytes_ struct bytes list = {0};
	struct eid to = eid_make(contact->peer, SERVICE_CROWD);

	if (identity_put_revoked(node->identity, &list) == 0 && list.size)
		carry_send(node, to.text, &list,
			   &(struct carry_options){.lifetime = REVOKED_LIFETIME});
}
