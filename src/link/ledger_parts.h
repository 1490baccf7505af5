/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger's connections (ledger_known.c), and what their subflows bring (ledger.c). */
#pragma once

#include "link/ledger.h"

#include <sys/queue.h>

struct ledger_known {
	uint32_t inode; /* first member: the key */
	bool seen, fallback, listens, accepted;
	bool doubtful;  /* whether it fell back is not known */
	unsigned since; /* the look that saw it first */
	unsigned flows;
	unsigned look;           /* in which the kernel last listed it, of those that are lost */
	uint64_t sent, received; /* over flows that are gone */
	/* Idle while neither seen nor listening; lost while seen without flows. */
	TAILQ_ENTRY(ledger_known) link;
};

struct ledger {
	void *connections, *flows; /* trees of tsearch(3) */
	TAILQ_HEAD(, ledger_known) idle, lost;
	unsigned idle_count, open, unseen, lost_count, lost_opened;
	unsigned connection_count, fallback_count;
	struct ledger_path *paths;
	unsigned path_count;
	unsigned look, opening;
	bool moved;               /* bytes were counted in this look */
	uint8_t ports[65536 / 8]; /* on which sockets of the run listen, as of this look */
};

/* NULL: there is none. */
struct ledger_known *ledger_find(const struct ledger *ledger, uint32_t inode);
/* The one that there is, or a new one that is idle; NULL without memory. */
struct ledger_known *ledger_add(struct ledger *ledger, uint32_t inode);
/* It turned out to be of use: not to be dropped for its age. */
void ledger_not_idle(struct ledger *ledger, struct ledger_known *connection);
/* It has lost its last subflow; it may be gone afterwards. */
void ledger_lose(struct ledger *ledger, struct ledger_known *connection);
/* It was lost, and has one again. */
void ledger_regain(struct ledger *ledger, struct ledger_known *connection);
