/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the sockets of the network namespace and tells the ledger, the path monitor and who watches over joins what
 * it saw: soon after something happened; then often while bytes move, ever more seldom while none do;
 * and never for more than a fiftieth of the time, a two-hundredth where there are many sockets and no path is watched.
 *
 * The kernel forgets the counts of a joined subflow when it closes it, so what moved since the last
 * look before is lost to the ledger: that, and the patience of the monitor, set the pace.
 */
#pragma once

#include "link/backlog.h"
#include "link/ledger.h"
#include "link/links.h"
#include "link/monitor.h"
#include "link/rejoin.h"
#include "link/subflows.h"
#include "run/prober.h"

#include <stdint.h>

#define LOOKOUT_PEERS 16

struct lookout {
	struct ledger *ledger;
	struct monitor *monitor;
	struct rejoin rejoin; /* the user tells it by rejoin_links() what should carry subflows */
	struct backlog backlog;
	struct nl *diag;          /* to look; NULL: blind, as any that cannot be had */
	struct subflows subflows; /* seen by @diag */
	struct nl *gone;          /* sockets that were freed: poll, then lookout_on_gone() */
	bool deaf;                /* to them, until the next look */
	uint64_t next;            /* when to look again, UINT64_MAX: not until something happens */
	uint64_t earliest, interval;
	unsigned sockets; /* of the namespace, at the last look */
	bool crowd;       /* many were, or had come and gone by then */
	bool in_flight;   /* something was, then */
	struct {          /* whom a subflow over that link last talked to */
		unsigned link;
		struct prober_target target;
	} peers[LOOKOUT_PEERS];
};

/* -ENOMEM, or 0. */
int lookout_open(struct lookout *lookout);
void lookout_close(struct lookout *lookout);

/* What was decided goes there. */
struct lookout_acts {
	monitor_act path;
	rejoin_act rejoin;
	/* TCP sockets should hold at most @bytes; 0: as much as they like. */
	void (*backlog)(uint32_t bytes, void *data);
	void *data;
};

/* Looks now; @links tell which link an address belongs to. */
void lookout_look(struct lookout *lookout, const struct links *links,
		  const struct lookout_acts *acts);
/* Whom to ask whether @link is alive; NULL: nobody is known. */
const struct prober_target *lookout_peer(const struct lookout *lookout, unsigned link);
/* Links that are not in @links are gone for good: nothing is kept of them. */
void lookout_forget(struct lookout *lookout, const struct links *links);
/* Something happened: @next is brought forward. */
void lookout_soon(struct lookout *lookout);
void lookout_on_gone(struct lookout *lookout);
/* Waits a moment for the last counts of sockets that have just been closed. */
void lookout_settle(struct lookout *lookout, const struct links *links);
