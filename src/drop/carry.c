/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bundles on their way: from a contact to the store, or to whom they are for, and from the store to contacts. What arrives is
 * acknowledged when it is on disk; what is acknowledged by the one it is for is forgotten, but for its key.
 *
 * What arrived of a transfer that broke off is kept (store_partial_save()), and left out when a neighbour sends it again.
 */
#include "drop/forward.h"
#include "drop/join.h"
#include "drop/node_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVOKED_LIFETIME (600 * 1000ULL)
#define COUNT_AGAIN      (10 * NS_PER_S)

/* The cookie of a transfer: the bundle's row, and whether its receiver is whom it is for. */
static uint64_t cookie_of(uint64_t row, bool to_it)
{
	return row << 1 | to_it;
}

static bool is_to(const char *destination, const char *node)
{
	char name[NODE_MAX];
	struct eid eid;

	return eid_parse(destination, &eid) == 0 && eid_node(&eid, name) && strcmp(name, node) == 0;
}

static bool met(struct contact *contact, struct tcpcl_hello *hello)
{
	struct node *node = contact->node;
	struct contact *other = node_contact(node, contact->peer);

	if (node->stopping || strcmp(contact->peer, node->identity->node) == 0)
		return false;
	/* The neighbour knows best which one is alive: it made this one. */
	if (other && other != contact)
		contact_close(other, "there is a newer one");
	store_partials(node->store, hello);
	return true;
}

static void opened(struct contact *contact)
{
	struct node *node = contact->node;

	node_say(node, NULL, "contact with '%s' (%s)", contact->peer, contact->where);
	if (node->identity->revoked)
		carry_send_revoked(node, contact);
	wants_contact(node, contact->peer, true);
}

static void facts(struct node *node, const struct bundle *bundle, struct store_bundle *ret)
{
	uint64_t now = node_wall();

	*ret = (struct store_bundle){.received = now, .expires = forward_expires(bundle, now)};
	store_key(bundle, ret->key);
	snprintf(ret->destination, sizeof(ret->destination), "%s", bundle->destination.text);
}

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
		.to_neighbour = is_to(bundle->destination.text, contact->peer),
		.to_group = eid_is_group(&bundle->destination),
	};
	const struct decision_neighbour who = {
		.node = contact->peer,
		.rate = contact->rate,
		.carries_for_it = carries(node, contact),
	};

	return node->decisions->take(&what, &who);
}

static int begins(struct contact *contact, const uint8_t *bytes, size_t size)
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
	if (!is_to(bundle.destination.text, node->identity->node) &&
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
static int deliver(struct node *node, const struct bundle *bundle)
{
	const char *service = eid_service(&bundle->destination);
	struct err err;
	int code;

	if (strcmp(service, SERVICE_OBJECTS) == 0 || strcmp(service, "~" SERVICE_OBJECTS) == 0)
		return objects_arrived(node, bundle,
				       bundle->hop_count > 0 ? bundle->hop_count - 1 : 0);
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
	bool ours = is_to(bundle->destination.text, node->identity->node),
	     group = eid_is_group(&bundle->destination);
	int code = 0;

	facts(node, bundle, &row);
	if (store_has(node->store, row.key))
		return 0;
	if (ours || group)
		code = deliver(node, bundle);
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
	return 0;
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

static void arrived(struct contact *contact, uint64_t id, struct bytes *bytes, uint64_t left_out)
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

static void settled(struct contact *contact, uint64_t cookie, int refusal)
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

static bool next(struct contact *contact)
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
		if (!to_it && is_to(row.destination, contact->peer))
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

static void asked_to_join(struct contact *contact, const uint8_t *request, size_t size,
			  struct bytes *reply);

/* What has arrived of a transfer up to its breaking off is worth the room if it is more than a segment. */
static void keep_partial(struct node *node, struct contact *contact)
{
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

static void closed(struct contact *contact, const char *why)
{
	struct node *node = contact->node;
	size_t kept = 0;

	for (struct contact **at = &node->contacts; *at; at = &(*at)->next)
		if (*at == contact) {
			*at = contact->next;
			node->contact_count--;
			break;
		}
	for (size_t i = 0; i < node->unsettled_count; i++)
		if (node->unsettled[i].contact != contact)
			node->unsettled[kept++] = node->unsettled[i];
	node->unsettled_count = kept;
	if (contact->session)
		keep_partial(node, contact);
	if (contact->told_open)
		node_say(node, NULL, "contact with '%s' is over: %s", contact->peer, why);
	else if (why[0])
		node_say(node, contact->where, "%s%s%s: %s", contact->where,
			 contact->peer[0] ? ", " : "", contact->peer, why);
	if (contact->told_open) {
		/* What is for it may now be offered to others. */
		for (struct contact *at = node->contacts; at; at = at->next)
			at->cursor_any = 0;
		neighbours_contact_closed(node, contact->peer);
		wants_contact(node, contact->peer, false);
	}
}

const struct contact_owner carry_owner = {met,     opened, begins,        arrived,
					  settled, next,   asked_to_join, closed};

static void asked_to_join(struct contact *contact, const uint8_t *request, size_t size,
			  struct bytes *reply)
{
	struct node *node = contact->node;
	_cleanup_bytes_ struct bytes certificate = {0}, revoked = {0};
	struct join_request asked;
	struct join_reply answer = {0};
	gnutls_datum_t ca = {0};
	struct err err = {0};
	int code = join_read_request(request, size, &asked);

	if (code < 0)
		err_set(&err, code, "it asks for nothing that could be understood");
	else
		code = crowd_admit(node->identity->folder, asked.secret, asked.node, asked.request,
				   asked.request_size, &certificate, &err);
	if (code == 0 && gnutls_x509_crt_export2(node->identity->ca, GNUTLS_X509_FMT_DER, &ca) < 0)
		code = err_set(&err, -ENOMEM, "out of memory");
	if (code == 0) {
		identity_put_revoked(node->identity, &revoked);
		answer = (struct join_reply){.certificate = certificate.data,
					     .certificate_size = certificate.size,
					     .ca = ca.data,
					     .ca_size = ca.size,
					     .revoked = revoked.data,
					     .revoked_size = revoked.size};
		node_say(node, NULL, "'%s' has joined (%s)", asked.node, contact->where);
	} else {
		snprintf(answer.why, sizeof(answer.why), "%s", err.text);
		node_say(node, contact->where, "%s is not let in: %s", contact->where, err.text);
	}
	join_put_reply(reply, &answer);
	gnutls_free(ca.data);
}

int carry_send(struct node *node, const char *destination, const struct bytes *payload,
	       const struct carry_options *options)
{
	_cleanup_bytes_ struct bytes out = {0};
	uint64_t now = node_wall();
	struct bundle bundle = {
		.crc = CRC_32C,
		.source = eid_make(node->identity->node, SERVICE_OBJECTS),
		.created = now - DTN_EPOCH_MS,
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
	facts(node, &bundle, &row);
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
