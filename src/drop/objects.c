/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others ask of our objects, and what they give us. */
#include "drop/node_parts.h"

#include <errno.h>
#include <string.h>

#define ANSWER_LIFETIME (24 * 3600 * 1000ULL) /* ms; of what travels over nodes that carry it */
#define NEAR_LIFETIME   (600 * 1000ULL)       /* of what goes to a node that is near */

static void put_list(struct bytes *to, const struct store_object *object,
		     enum object_message_type type)
{
	struct object_message message = {.type = type,
					 .size = object->size,
					 .count = object->count,
					 .hashes = object->hashes,
					 .there = object->have < object->count ? object->there
									       : NULL};

	memcpy(message.id, object->id, OBJECT_ID_SIZE);
	object_message_put(to, &message);
}

static void send_pieces(struct node *node, const struct store_object *object, const char *to,
			uint64_t lifetime)
{
	for (uint32_t i = 0; i < object->count; i++)
		if (object_has(object, i) && !store_piece_is_queued(node->store, to, object->id, i))
			carry_send(node, to, NULL,
				   &(struct carry_options){
					   .lifetime = lifetime, .object = object->id, .piece = i});
}

static void on_ask(struct node *node, const char *asker, uint64_t hops,
		   const struct object_message *message)
{
	_cleanup_bytes_ struct bytes answer = {0};
	struct store_object *object = store_object(node->store, message->id);
	struct eid to = eid_make(asker, SERVICE_OBJECTS);

	if (!object || (object->have == 0 && object->count > 0))
		return;
	put_list(&answer, object, MESSAGE_HAVE);
	if (answer.failed)
		return;
	carry_send(node, to.text, &answer, &(struct carry_options){.lifetime = ANSWER_LIFETIME});
	if (!node_contact(node, asker) && node->decisions->volunteer((unsigned)hops, object->size))
		send_pieces(node, object, to.text, ANSWER_LIFETIME);
}

static void on_fetch(struct node *node, const char *asker, const struct object_message *message)
{
	struct store_object *object = store_object(node->store, message->id);
	struct eid to = eid_make(asker, SERVICE_OBJECTS);
	bool near = node_contact(node, asker);

	if (object)
		store_object_used(node->store, object, node_wall());
	for (unsigned i = 0; i < message->piece_count; i++) {
		struct object_message gone = {.type = MESSAGE_GONE, .pieces = {message->pieces[i]}};
		struct carry_options options = {.lifetime = near ? NEAR_LIFETIME : ANSWER_LIFETIME};
		_cleanup_bytes_ struct bytes payload = {0};

		if (object && message->pieces[i] < object->count &&
		    object_has(object, message->pieces[i])) {
			if (store_piece_is_queued(node->store, to.text, message->id,
						  message->pieces[i]))
				continue;
			options.object = message->id;
			options.piece = message->pieces[i];
		} else {
			memcpy(gone.id, message->id, OBJECT_ID_SIZE);
			object_message_put(&payload, &gone);
		}
		if (carry_send(node, to.text, &payload, &options) < 0) {
			node_say(node, asker, "no room for what '%s' asks for", asker);
			return;
		}
	}
}

/* Pieces that came before their object was known. */
static void use_waiting(struct node *node)
{
	struct store_bundle row = {0};

	while (store_waiting(node->store, row.id, &row)) {
		_cleanup_bytes_ struct bytes bytes = {0};
		struct bundle bundle;

		if (store_load(node->store, &row, &bytes) < 0 ||
		    bundle_read(bytes.data, bytes.size, &bundle) < 0) {
			store_done(node->store, &row);
			continue;
		}
		if (bundle.flags & BUNDLE_FRAGMENT)
			continue; /* parts.c */
		if (objects_arrived(node, &bundle, 0) != -EAGAIN)
			store_done(node->store, &row);
	}
}

static void on_give(struct node *node, const char *giver, const struct object_message *message)
{
	struct store_object *object;
	int code = store_object_new(node->store, message->id, message->size, message->hashes,
				    node_wall(), &object);

	if (code < 0)
		node_say(node, giver, "an object from '%s' is not kept: %s", giver,
			 code == -EBADMSG ? "it is not what it is called" : strerror(-code));
	else
		use_waiting(node);
}

static int on_piece(struct node *node, const char *giver, const struct object_message *message)
{
	struct store_object *object = store_object(node->store, message->id);
	int code;

	if (!object)
		return -EAGAIN;
	code = store_object_put(node->store, object, message->pieces[0], message->data,
				message->data_size);
	if (code == -EBADMSG)
		node_say(node, giver, "piece %u of an object from '%s' is damaged",
			 message->pieces[0], giver);
	else if (code < 0)
		node_say(node, giver, "a piece from '%s' is not kept: %s", giver, strerror(-code));
	wants_piece(node, giver, object, message->pieces[0], code >= 0);
	return 0;
}

int objects_arrived(struct node *node, const struct bundle *bundle, uint64_t hops)
{
	struct object_message message;
	char from[NODE_MAX];

	if (!eid_node(&bundle->source, from) ||
	    object_message_read(bundle->payload.data, bundle->payload.size, &message) < 0) {
		node_say(node, bundle->source.text, "a message from %s about objects is none",
			 bundle->source.text);
		return 0;
	}
	/* Only questions are for everybody. */
	if (eid_is_group(&bundle->destination) && message.type != MESSAGE_ASK &&
	    message.type != MESSAGE_WHERE)
		return 0;
	switch (message.type) {
	case MESSAGE_ASK:
		on_ask(node, from, hops, &message);
		break;
	case MESSAGE_HAVE:
		wants_have(node, from, hops, &message);
		use_waiting(node);
		break;
	case MESSAGE_FETCH:
		on_fetch(node, from, &message);
		break;
	case MESSAGE_PIECE:
		return on_piece(node, from, &message);
	case MESSAGE_GONE:
		wants_gone(node, from, message.id, message.pieces[0]);
		break;
	case MESSAGE_GIVE:
		on_give(node, from, &message);
		break;
	case MESSAGE_WHERE:
		urls_asked(node, from, message.url);
		break;
	case MESSAGE_NAMED:
		urls_named(node, from, &message);
		break;
	}
	return 0;
}

void objects_give(struct node *node, struct store_object *object, const char *to, uint64_t lifetime)
{
	_cleanup_bytes_ struct bytes list = {0};
	struct eid eid = eid_make(to, SERVICE_OBJECTS);

	put_list(&list, object, MESSAGE_GIVE);
	carry_send(node, eid.text, &list, &(struct carry_options){.lifetime = lifetime});
	send_pieces(node, object, eid.text, lifetime);
}
