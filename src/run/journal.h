/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes that a run has made to the host, in memory that its processes share, so that
 * whichever of them is left can take them back. A change is written down before it is made.
 */
#pragma once

#include "base/err.h"
#include "link/change.h"

#include <stdatomic.h>

#define JOURNAL_MAX 512 /* changes; 8 links with some tens of routes each */

struct journal {
	atomic_uint count;
	atomic_flag undoing; /* one process undoes */
	struct change changes[JOURNAL_MAX];
};

/* Shared with all processes forked from now on; NULL without memory. Goes with the last of them. */
struct journal *journal_new(void);

/* Makes a change and keeps it. 0; 1: it was so already; negative errno: not made. */
int journal_apply(struct journal *journal, struct netstack *netstack, const struct change *change);

/* Takes all back, last first. Goes on after failures; the first one is returned. */
int journal_undo(struct journal *journal, struct netstack *netstack);
