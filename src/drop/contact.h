/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A contact: one connection with one neighbour, in it TLS 1.3, in that a session of tcpcl.h. It goes through its phases by itself
 * and tells its owner what comes of it. Who dialled sends first; who was dialled looks what the first bytes ask for, a session, or
 * to join the crowd (join.h).
 *
 * The link layer below is whatever stack made the descriptor: with Multipath TCP one contact uses all links.
 */
#pragma once

#include "drop/identity.h"
#include "drop/tcpcl.h"

#include <netinet/in.h>
#include <uv.h>

struct contact;

struct contact_owner {
	/* The other end is a node of the crowd, and of this name. False: it is not wanted. Fill in what @hello says of us. */
	bool (*met)(struct contact *contact, struct tcpcl_hello *hello);
	/* The session is open. */
	void (*opened)(struct contact *contact);
	/* As of struct tcpcl_owner. */
	int (*begins)(struct contact *contact, const uint8_t *bytes, size_t size);
	void (*arrived)(struct contact *contact, uint64_t id, struct bytes *bytes,
			uint64_t left_out);
	void (*settled)(struct contact *contact, uint64_t cookie, int refusal);
	/* Another transfer may be handed over by tcpcl_send(). False: there is none. */
	bool (*next)(struct contact *contact);
	/* It wants to join. Write what is to be answered to @reply. */
	void (*asked_to_join)(struct contact *contact, const uint8_t *request, size_t size,
			      struct bytes *reply);
	/* It is over, @why in words; it is freed behind this. */
	void (*closed)(struct contact *contact, const char *why);
};

enum contact_phase { CONTACT_HEADER, CONTACT_TLS, CONTACT_JOIN, CONTACT_SESSION, CONTACT_OVER };

struct contact {
	void *node; /* the owner's */
	const struct contact_owner *owner;
	const struct identity *identity;
	enum contact_phase phase;
	int fd;                          /* owned */
	bool dialled, told_open, doomed; /* doomed: the owner will close it */
	char wanted[NODE_MAX];           /* of one that was dialled: who it has to be */
	struct err unwanted;             /* why it is not */
	char peer[NODE_MAX];             /* "" before it has proven it */
	char where[64];                  /* its address, for messages */
	struct sockaddr_storage address;
	gnutls_session_t tls;
	struct tcpcl *session;
	struct tcpcl_hello self;
	uint8_t header[TCPCL_HEADER_SIZE];
	unsigned header_got, header_sent;
	struct bytes in; /* of a message of joining */
	struct bytes out;
	bool joining;
	size_t sending; /* size of the record that has to be tried again; 0: none */
	uint64_t began; /* ns of clock_now() */
	uint64_t sent, received, last_received;

	/* For whoever shows it: bytes in the last full second in which there were any. */
	uint64_t second_began, second_bytes, rate;

	/* The owner's: rows up to which was looked for what to send, and whether it is still listed. */
	uint64_t cursor_to, cursor_any;
	unsigned carries; /* bundles that we carry and it gave, about; and when that was counted */
	uint64_t counted;
	struct contact *next;

	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles; /* that are not closed yet */
};

/* Takes @fd, connected, to @from, over. @wanted: the node that we dialled; NULL: it was made to us. NULL: no memory, and @fd is closed. */
struct contact *contact_new(uv_loop_t *loop, int fd, const char *wanted,
			    const struct sockaddr_storage *from, const struct identity *identity,
			    const struct contact_owner *owner, void *node);
/* There may be something to send. Calls next() and closed() only. */
void contact_wake(struct contact *contact);
/* Tells the other end, if it can be told at once (RFC 9174, section 6.1), and does not wait for what is under way. closed() is called
 * before it returns. */
void contact_end(struct contact *contact, const char *why);
/* At once. closed() is called before it returns. */
void contact_close(struct contact *contact, const char *why);
