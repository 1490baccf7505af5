/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the connections of a run amount to: how many, how many bytes from which address, which fell
 * back to TCP. Pure: it is told what was seen.
 *
 * A connection is known by the inode of the program's socket: the supervisor made it, or it was
 * accepted on a port on which such a socket listens. Its subflows carry that inode for as long as
 * the program holds the socket; afterwards only their cookies tell whose they are, so both are
 * remembered. An MPTCP connection can lose its last subflow and get another one later, so it is forgotten only when
 * the kernel does not list it any more. A connection that came and went between two looks is not counted, but a socket of the
 * run that was never seen connected is ("unseen").
 */
#pragma once

#include "link/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger;

struct ledger_path { /* what went over one local address */
	struct address local;
	uint64_t sent, received; /* bytes of payload */
	uint64_t retransmitted;  /* segments */
	unsigned subflows;
};

struct ledger_totals {
	unsigned connections; /* seen */
	unsigned fallbacks;   /* of them, connections that are plain TCP in the end */
	unsigned open;        /* of them, with a subflow */
	unsigned lost;        /* of them, without any, as far as is known */
	unsigned lost_opened; /* of those, opened by this end: it can add subflows */
	unsigned opening;     /* being connected, at the last look */
	unsigned
		idle; /* sockets that were not seen connected so far, of those that are remembered */
	unsigned unseen; /* sockets whose connection, if they had one, was too short to be seen */
	struct ledger_path *paths; /* owned by the ledger, good until its next call */
	unsigned path_count;
};

#define LEDGER_PATHS_MAX 16 /* that another process is told of */

/* The totals that outlast connections, as plain data: for another process. */
struct ledger_sum {
	uint32_t connections, fallbacks, path_count;
	struct ledger_path paths[LEDGER_PATHS_MAX];
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* The program has got a socket with this inode. -ENOMEM, or 0. */
int ledger_made(struct ledger *ledger, uint32_t inode);

/* It turned out that the socket, of which nothing was seen so far, is not for the links. */
void ledger_unmade(struct ledger *ledger, uint32_t inode);

/* One pass over all sockets: begin, every socket, end. The end says whether any bytes have moved
 * since the last. */
void ledger_look(struct ledger *ledger);
int ledger_saw(struct ledger *ledger, const struct diag_socket *socket);
bool ledger_looked(struct ledger *ledger);

/* Of the same pass, where it is worth while (ledger_totals().lost): every MPTCP connection, and the end of them. */
void ledger_saw_connection(struct ledger *ledger, uint32_t inode);
void ledger_saw_connections(struct ledger *ledger);

/* A socket was freed: these are its last counts. False: it is not known. */
bool ledger_gone(struct ledger *ledger, const struct diag_socket *socket);

/* Subflows that the last look missed and whose last counts have not been told yet: worth a moment's
 * waiting. */
unsigned ledger_closing(const struct ledger *ledger);

struct ledger_connection {
	uint32_t inode;          /* names it for as long as it lives */
	bool fallback;           /* it is plain TCP */
	bool doubtful;           /* that is not known */
	uint64_t sent, received; /* over subflows that are gone */
};

/* The connection that @socket is part of, even if no look has seen it so far. False: it is not the
 * run's, or listens. */
bool ledger_connection(const struct ledger *ledger, const struct diag_socket *socket,
		       struct ledger_connection *ret);

/* Has no socket of the run been told of? Then no look can see anything of it. */
bool ledger_is_empty(const struct ledger *ledger);
struct ledger_totals ledger_totals(const struct ledger *ledger);
struct ledger_sum ledger_sum(const struct ledger *ledger);
