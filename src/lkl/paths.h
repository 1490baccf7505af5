/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds out that a link is silent, or answers again (link/monitor.h), from the kernel's subflows, and sees to it that no connection
 * begins or goes on there; that a link has lost its subflows for good (link/rejoin.h), and gets others; and how much subflows may hold
 * (link/backlog.h), for what a link has lost waits behind that: what the supervisor of a run is for stack "native" (run/lookout.h).
 */
#pragma once

#include "link/backlog.h"
#include "link/ledger.h"
#include "link/monitor.h"
#include "link/rejoin.h"
#include "lkl/network.h"

#include <netinet/in.h>

/* Whom a subflow over a link last talked to, and the socket that asks it whether the link is alive. */
struct paths_peer {
	struct sockaddr_in6 local, remote; /* of either family */
	bool known;
	int probe;    /* owned, the kernel's; -1: none */
	bool is_late; /* something that was sent over it has not been acknowledged for a moment */
};

struct paths {
	struct network *network;
	struct monitor *monitor; /* owned */
	struct nl *diag;         /* owned; NULL: it is blind */
	struct nl *host;         /* owned; to ask the host after its links; NULL: it cannot be */
	struct ledger *ledger;   /* owned: what was seen amounts to that (tally.h) */
	struct backlog backlog;
	struct rejoin rejoin;
	struct paths_peer peers[LKL_PORTS_MAX];
	uint64_t next, interval, moved; /* bytes, at the last look */
	/* Of a link that is no longer used: until then its subflows are kept (link/settle.h); 0: that was not asked. */
	uint64_t settles_at[LKL_PORTS_MAX];
	bool in_flight; /* then: something waited for its acknowledgement */
};

int paths_open(struct paths *paths, struct network *network);
/* Looks if it is time, or if bytes have moved (@busy) and it will be soon: when the next look is due, UINT64_MAX: not before some
 * do. @now is of clock_now(). */
uint64_t paths_look(struct paths *paths, uint64_t now, unsigned connections, bool busy);
/* One of @connections is about to end: the last look at what it has moved. */
void paths_ending(struct paths *paths, unsigned connections);
/* May anybody still hear the last words, which were said @ago ns ago? Not over a link that has died. */
bool paths_hear(const struct paths *paths, uint64_t ago);
