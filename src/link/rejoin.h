/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides that the endpoints of a link are to be put in anew, so that connections get a subflow over it after all.
 * Pure: it is shown the subflows again and again, with the time.
 *
 * The kernel's path manager tries each endpoint once for each connection (RFC 8684 leaves retries to the
 * implementation). A join whose SYN fell into an outage, or a subflow that died of one, is not tried again before the
 * endpoint is removed and added; a connection can so end up on one link, or on none. Removing closes the subflows
 * that others have over the link, so it is done
 *  - for a link over which nobody has a subflow, though a connection that this end opened could have one;
 *  - for any link, if a connection of the run has no subflow at all.
 * Where that does not help (a peer or a middlebox that refuses joins) it is done ever more seldom.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REJOIN_LINKS 16

enum rejoin_family { REJOIN_IPV4 = 1, REJOIN_IPV6 = 2 };

struct rejoin_link { /* one that is to carry subflows */
	unsigned index;
	unsigned families; /* enum rejoin_family, as bits: of its addresses */
	bool local; /* it leads to neighbours alone: a subflow is missed only where one was */
	/* Rejoin's own. */
	bool carries, carried;
	uint64_t lacks_since; /* 0: it does not */
	uint64_t interval;    /* from then, or from the last time, to the next */
};

struct rejoin { /* all zero at first */
	struct rejoin_link links[REJOIN_LINKS];
	unsigned count;
	unsigned families; /* of connections that could have further subflows, in this look */
};

/* The links that are to carry subflows from now on; those beyond REJOIN_LINKS are left alone. */
void rejoin_links(struct rejoin *rejoin, const struct rejoin_link *links, unsigned count);

/* One pass: begin, every established or connecting subflow, end. @joins: its connection is one to which this end may
 * add subflows: it opened it, and the peer speaks MPTCP. */
void rejoin_look(struct rejoin *rejoin);
void rejoin_saw(struct rejoin *rejoin, unsigned link, enum rejoin_family family, bool joins);
/* @lost: so many connections of the run have no subflow at all. Calls @act for each link whose endpoints are to be
 * put in anew at @now (ns). */
typedef void (*rejoin_act)(unsigned link, void *data);
void rejoin_looked(struct rejoin *rejoin, uint64_t now, unsigned lost, rejoin_act act, void *data);

/* When the next look is worth while; UINT64_MAX: not before something happens. */
uint64_t rejoin_next(const struct rejoin *rejoin);
