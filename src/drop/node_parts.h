/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the daemon share. */
#pragma once

#include "drop/contact.h"
#include "drop/decisions.h"
#include "drop/discovery.h"
#include "drop/dnssd.h"
#include "drop/messages.h"
#include "drop/node.h"
#include "drop/store.h"

#define NEAR_MAX     256 /* neighbours that are remembered */
#define NEAR_LINKS   8
#define TOLD_PLACES  8  /* of one node */
#define TOLD_MAX     64 /* neighbours that nothing but hearsay is known of */
#define CONTACTS_MAX 128
#define CONTACTS_ONE 8 /* connections of one address that have not proven anything */

struct near_link {
	unsigned index;
	char name[IF_NAMESIZE];
	uint64_t heard; /* ns */
	struct address addresses[BEACON_ADDRESSES_MAX];
	unsigned address_count;
	struct in6_addr local;
};

/* A neighbour of which beacons are heard, or (told.c) that somebody speaks of. */
struct neighbour {
	char node[NODE_MAX];
	struct near_link links[NEAR_LINKS];
	unsigned link_count;
	bool heard; /* its beacons are, or were until just now */
	struct dnssd_place told[TOLD_PLACES];
	unsigned told_count;
	uint16_t port;
	uint64_t since, dial_after, backoff; /* ns */
	unsigned tries;
	struct neighbour *next;
};

/* A transfer that is acknowledged when what it brought is on disk. */
struct unsettled {
	struct contact *contact;
	uint64_t id;
};

/* How many lines of a kind were said about things whose names have one hash: nobody can fill the log. */
#define SAID_MAX 256
struct said {
	uint64_t at;
	unsigned count, left_out;
};

struct node {
	struct node_options options;
	uv_loop_t loop;
	struct identity *identity;
	struct store *store;
	const struct decisions *decisions;
	struct discovery *discovery;
	struct dnssd *dnssd; /* NULL: no Avahi is looked for just now */
	struct contact *contacts;
	unsigned contact_count;
	struct neighbour *neighbours;
	unsigned neighbour_count;
	struct dial *dials;
	struct want *wants;
	struct url_ask *url_asks; /* of late; owned */
	unsigned url_ask_count;
	struct api *api;
	struct work *work;
	struct unsettled *unsettled; /* owned */
	size_t unsettled_count, unsettled_room;
	uint64_t sequence; /* of our next bundle */
	int listener;      /* owned */
	uv_poll_t accepting;
	uv_timer_t tick;
	uv_prepare_t turn; /* before the loop waits */
	bool wake;         /* contacts may have something to send */
	uv_signal_t signals[3];
	uv_fs_event_t crowd_changes;
	struct said said[SAID_MAX];
	uint64_t began;
	bool stopping, loop_open;
	uint64_t ticks;
	int failed; /* why it cannot go on */
};

uint64_t node_wall(void); /* ms since 1970 */
/* A line for the log. @about: lines of this kind with the same are written five times in ten seconds at most. */
void node_say(struct node *node, const char *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The open contact with @peer; NULL: it is not near. */
struct contact *node_contact(const struct node *node, const char *peer);
/* At the end of the turn. */
void node_wake_contacts(struct node *node);
/* Takes a connection; one that we made to the node @wanted, NULL: that was made to us. */
void node_add_contact(struct node *node, int fd, const char *wanted);
void node_revoked(struct node *node);

/* Neighbours: neighbours.c. */
extern const struct discovery_owner neighbours_owner;
void neighbours_tick(struct node *node, uint64_t now);
void neighbours_contact_closed(struct node *node, const char *peer);
void neighbours_close(struct node *node);
/* It is trusted no more. */
void neighbours_drop(struct node *node, const char *name);
/* NULL: nothing is known of it. */
struct neighbour *neighbours_find(const struct node *node, const char *name);
/* A new one. NULL: there are too many. */
struct neighbour *neighbours_add(struct node *node, const char *name);
/* There is a new place to dial it at. */
void neighbours_try(struct node *node, struct neighbour *neighbour);

/* What is said of neighbours without a signature: told.c. */
void told_begin(struct node *node);
void told_end(struct node *node);

/* Contacts: meeting.c. What arrives: arrive.c. What is sent: carry.c. Members of the first are in the others. */
extern const struct contact_owner meeting_owner;
int arrive_begins(struct contact *contact, const uint8_t *bytes, size_t size);
void arrive_whole(struct contact *contact, uint64_t id, struct bytes *bytes, uint64_t left_out);
void arrive_broken_off(struct contact *contact);
/* A bundle for us. 0: it is dealt with; -EAGAIN: it is of no use yet. */
int arrive_deliver(struct node *node, const struct bundle *bundle);
/* A fragment of one, which is row @row: parts.c. */
int parts_arrived(struct node *node, const struct bundle *fragment, const struct store_bundle *row);
bool carry_next(struct contact *contact);
void carry_settled(struct contact *contact, uint64_t cookie, int refusal);
/* The row for a bundle that is here since now. */
void carry_facts(const struct bundle *bundle, struct store_bundle *ret);
struct carry_options {
	uint64_t lifetime; /* ms */
	const uint8_t
		*object; /* the payload is this piece of an object that is here; NULL: it is told */
	uint32_t piece;
};
/* A bundle of ours. */
int carry_send(struct node *node, const char *destination, const struct bytes *payload,
	       const struct carry_options *options);
void carry_send_revoked(struct node *node, struct contact *contact);

/* Objects: objects.c (what is asked of us), wants.c (what we ask). */

/* A bundle for us: 0: it is dealt with; -EAGAIN: it is of no use yet. */
int objects_arrived(struct node *node, const struct bundle *bundle, uint64_t hops);
void objects_give(struct node *node, struct store_object *object, const char *to,
		  uint64_t lifetime);

/* Is told, again and again, that there is more of the object than before; the last time when it is complete. */
struct want_waiter {
	void (*progressed)(void *data, struct store_object *object);
	void *data;
	struct want_waiter *next;
};
/* Waits until it is complete, or wants_remove(). What is there already is told before this returns. */
int wants_add(struct node *node, const uint8_t id[static OBJECT_ID_SIZE],
	      struct want_waiter *waiter);
void wants_remove(struct node *node, struct want_waiter *waiter);
void wants_have(struct node *node, const char *name, uint64_t hops,
		const struct object_message *message);
void wants_piece(struct node *node, const char *name, struct store_object *object, uint32_t piece,
		 bool good);
void wants_gone(struct node *node, const char *name, const uint8_t *id, uint32_t piece);
void wants_contact(struct node *node, const char *peer, bool open);
void wants_tick(struct node *node, uint64_t now);
void wants_close(struct node *node);

/* What URLs had: urls.c. */
struct url_ask {
	char url[URL_MAX];
	uint64_t at; /* ns of clock_now() */
};
/* What it is that @url has, as somebody of the crowd has seen it. False: nobody has said so yet; all are asked. */
bool urls_find(struct node *node, const char *url, struct store_url *ret);
/* It was fetched just now. */
void urls_fetched(struct node *node, const char *url, const uint8_t id[static OBJECT_ID_SIZE]);
void urls_asked(struct node *node, const char *asker, const char *url);
void urls_named(struct node *node, const char *from, const struct object_message *message);

int api_open(struct node *node, struct err *err);
void api_stop(struct node *node);
void api_close(struct node *node);
