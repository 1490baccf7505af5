/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes that a run has made to the host, in memory that its processes share, so that
 * whichever of them is left can take them back. A change is written down before it is made, and
 * struck out after it was taken back.
 */
#pragma once

#include "base/err.h"
#include "link/change.h"

#include <stdatomic.h>

#define JOURNAL_MAX 512 /* changes; 8 links with some tens of routes each */

struct journal {
	atomic_uint count;
	struct change changes[JOURNAL_MAX];
};

/* Shared with all processes forked from now on; NULL without memory. Goes with the last of them. */
struct journal *journal_new(void);

/* What journal_follow() did: @result is 0 (made), 1 (it was there already, and is not ours), a
 * negative errno (not made), or JOURNAL_UNDONE. */
enum { JOURNAL_UNDONE = 2 };
typedef void (*journal_report)(const struct change *change, int result, void *data);

/* Makes the host have what the @count changes in @wanted ask for and nothing else of ours: takes
 * back what is not wanted any more, then makes what is missing. Goes on after failures; the first
 * is returned. */
int journal_follow(struct journal *journal, struct netstack *netstack, const struct change *wanted,
		   unsigned count, journal_report report, void *data);

/* Takes all back, last first. Goes on after failures; the first one is returned. */
int journal_undo(struct journal *journal, struct netstack *netstack);
