/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the host's set-up fitting its links while a run lasts: one that comes joins, one that goes
 * leaves at once, one that does not answer has no endpoint until it is tried again. */
#pragma once

#include "run/journal.h"
#include "run/run.h"
#include "stack/native.h"

#include <stdbool.h>

#define UPKEEP_SILENT_MAX 16

struct upkeep {
	const struct run_options *options;
	struct journal *journal;
	struct netstack netstack;
	struct native_plan plan; /* as of the last time */
	struct nl *watch; /* poll nl_fd() of it, then upkeep_on_links(); NULL: cannot be had */
	unsigned silent[UPKEEP_SILENT_MAX];
	unsigned silent_for[UPKEEP_SILENT_MAX]; /* enum upkeep_witness, as bits */
	unsigned silent_count;
	unsigned base;         /* multipath.h; 0: none any more */
	struct link base_link; /* as it was when last well */
	uint32_t backlog;      /* of subflows, bytes (link/backlog.h); 0: as it was */
	bool deferred; /* something is kept only because connections have nothing else: upkeep_retry() */
	bool unprivileged;
};

/* Sets up, and says what is to be said. Negative errno: nothing of the network can be known. */
int upkeep_open(struct upkeep *upkeep, const struct run_options *options, struct journal *journal);
/* Does not take the set-up back: journal_release() does. */
void upkeep_close(struct upkeep *upkeep);

/* Links may have changed. */
void upkeep_on_links(struct upkeep *upkeep);

/* A subflow has come about or bytes have moved: what was put off may be possible now. */
void upkeep_retry(struct upkeep *upkeep);

/* Who says that a link does not answer: it is silent while anybody does. */
enum upkeep_witness { UPKEEP_MONITOR = 1, UPKEEP_GATE = 2, UPKEEP_RENEWAL = 4 };

void upkeep_silence(struct upkeep *upkeep, unsigned link, enum upkeep_witness witness, bool silent);

/* Puts the endpoints of a link in anew: the kernel then joins over it where it had given up. */
void upkeep_renew(struct upkeep *upkeep, unsigned link);

/* TCP sockets are to hold at most @bytes (link/backlog.h); 0: as much as they like. */
void upkeep_backlog(struct upkeep *upkeep, uint32_t bytes);
