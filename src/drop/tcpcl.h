/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the TCP convergence layer, version 4 (RFC 9174), without I/O and without a clock: it is fed
 * the bytes that arrive and the time, fills @out with what is to be sent, and calls its owner back.
 *
 * Before a session both ends exchange a contact header in the clear, then there is TLS, then this. Each end
 * says SESS_INIT; after that bundles go both ways as transfers, each a row of segments that are acknowledged
 * one by one. Several transfers may be under way, one behind the other. A keepalive tells that the
 * other end is still there: an end that gets no whole message for two intervals ends the session, so
 * a neighbour that dribbles bytes holds nothing for long.
 *
 *     HELLO ── both SESS_INIT ──> OPEN ── SESS_TERM, either way ──> ENDING ── all answered ──> ENDED
 *
 * The last acknowledgement of a transfer means "accepted": it is held back until the owner says so, and with
 * it those behind, for they go in order.
 *
 * What arrived of a transfer that was cut off is worth keeping. An end says in its SESS_INIT, in an extension
 * item of a private type, of which bundles it holds a beginning, and how many bytes of the
 * payload; a transfer that leaves them out says so in an extension item that the other end must understand.
 * Who does not know the first never gets the second.
 */
#pragma once

#include "drop/bytes.h"
#include "drop/eid.h"

#include <stdbool.h>
#include <stdint.h>

#define TCPCL_PORT        4556
#define TCPCL_HEADER_SIZE 6 /* of the contact header */
#define TCPCL_SEGMENT     65536u
#define TCPCL_TRANSFER    (2u << 20) /* the largest bundle that is taken */
#define TCPCL_UNDER_WAY   64         /* transfers that wait for their acknowledgement */
#define TCPCL_KEY_SIZE    16
#define TCPCL_HELD_MAX    16

enum tcpcl_term { TERM_UNKNOWN, TERM_IDLE, TERM_VERSION, TERM_BUSY, TERM_CONTACT, TERM_RESOURCES };
enum tcpcl_refusal {
	REFUSAL_UNKNOWN,
	REFUSAL_COMPLETED, /* it is there already */
	REFUSAL_RESOURCES,
	REFUSAL_RETRANSMIT,
	REFUSAL_UNACCEPTABLE,
	REFUSAL_EXTENSION,
	REFUSAL_ENDING
};

/* The beginning of a bundle that is there already. */
struct tcpcl_held {
	uint8_t key[TCPCL_KEY_SIZE]; /* what stands for the bundle */
	uint64_t size;               /* bytes of its payload */
};

/* What one end says of itself. */
struct tcpcl_hello {
	char node[EID_MAX];         /* its node ID, "dtn://NODE/" */
	uint16_t keepalive;         /* seconds; 0: none */
	uint64_t segment, transfer; /* the largest that it takes */
	struct tcpcl_held held[TCPCL_HELD_MAX];
	unsigned held_count;
};

/* What the first bytes of an arriving transfer make of it. */
enum { TCPCL_GO = -1, TCPCL_MORE = -2 }; /* or an enum tcpcl_refusal */

struct tcpcl_owner {
	/* The other end has said hello. False, and the session is ended as TERM_CONTACT. */
	bool (*met)(void *data, const struct tcpcl_hello *hello);
	/* A transfer has begun; @size bytes of it are there. Asked with each segment until it is not TCPCL_MORE. */
	int (*begins)(void *data, const uint8_t *bytes, size_t size);
	/* All of it is there, without @left_out bytes of the payload. tcpcl_accept() or tcpcl_refuse() ends it, now or
	 * later. @bytes may be taken over. */
	void (*arrived)(void *data, uint64_t id, struct bytes *bytes, uint64_t left_out);
	/* What was handed to tcpcl_send() is accepted (refusal < 0), or refused. */
	void (*settled)(void *data, uint64_t cookie, int refusal);
};

enum tcpcl_state { TCPCL_HELLO, TCPCL_OPEN, TCPCL_ENDING, TCPCL_ENDED };

struct tcpcl;

/* What goes before TLS. Reading: 0, -EPROTO (not this protocol), -EPROTONOSUPPORT (another version, or without TLS). */
void tcpcl_header(uint8_t header[static TCPCL_HEADER_SIZE]);
int tcpcl_header_check(const uint8_t header[static TCPCL_HEADER_SIZE]);

/* @now, here and below, in ns. NULL: no memory. @owner and @data are borrowed. */
struct tcpcl *tcpcl_new(const struct tcpcl_hello *self, const struct tcpcl_owner *owner, void *data,
			uint64_t now);
void tcpcl_free(struct tcpcl *session);

enum tcpcl_state tcpcl_state(const struct tcpcl *session);
/* Why it ended, for a log; "" while it has not. */
const char *tcpcl_why(const struct tcpcl *session);
/* The other end; all zeros before it has said hello. */
const struct tcpcl_hello *tcpcl_peer(const struct tcpcl *session);

/* Bytes that arrived. 0, or a negative errno: the session is over at once. */
int tcpcl_receive(struct tcpcl *session, const void *data, size_t size, uint64_t now);

/* May bytes be handed over now? Not while the other end does not take its answers, or they wait for the owner. */
bool tcpcl_listens(const struct tcpcl *session);

/* What is to be sent next; the caller drops what it has sent. Fills up to about a segment. */
struct bytes *tcpcl_output(struct tcpcl *session, uint64_t now);

/* Does what is due; when to call again, at the latest. */
uint64_t tcpcl_tick(struct tcpcl *session, uint64_t now);

/* May another transfer be handed over now? */
bool tcpcl_ready(const struct tcpcl *session);
/* Takes @bytes over. @left_out as of a tcpcl_held that the other end told. -EAGAIN: not ready; -EMSGSIZE: too large for
 * the other end. */
int tcpcl_send(struct tcpcl *session, uint64_t cookie, struct bytes *bytes, uint64_t left_out);

void tcpcl_accept(struct tcpcl *session, uint64_t id);
void tcpcl_refuse(struct tcpcl *session, uint64_t id, enum tcpcl_refusal reason);

/* Starts nothing new, finishes what is under way. */
void tcpcl_end(struct tcpcl *session, enum tcpcl_term reason, uint64_t now);

/* What has arrived of the transfer that is arriving; the caller's to take. */
struct bytes *tcpcl_partial(struct tcpcl *session, uint64_t *ret_left_out);
