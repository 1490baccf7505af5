/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the host's set-up fitting its links while a run lasts: one that comes joins, one that goes
 * leaves at once, one that does not answer has no endpoint until it is tried again. */
#pragma once

#include "run/journal.h"
#include "run/net.h"
#include "stack/native.h"

#include <stdbool.h>

struct upkeep_setup {
	struct journal *journal;
	const struct policy *policy;
	bool personal; /* what leads around a silent link is for @user alone */
	uint32_t user;
	net_say say; /* NET_EXPLAINS, NET_NOTES */
	void *data;
};

struct upkeep {
	struct upkeep_setup setup; /* what it points to is borrowed */
	struct netstack netstack;
	struct native_plan plan; /* as of the last time */
	struct nl *watch; /* poll nl_fd() of it, then upkeep_on_links(); NULL: cannot be had */
	struct silence silence;
	unsigned base;         /* multipath.h; 0: none any more */
	struct link base_link; /* as it was when last well */
	uint32_t backlog;      /* of subflows, bytes (link/backlog.h); 0: as it was */
	bool deferred; /* something is kept because connections have nothing else, or for a moment: upkeep_retry() */
	uint64_t kept_at; /* since then, if it is */
	uint64_t
		settles_at; /* until then it is kept for a moment (bystanders_settle()); 0: it is not */
	bool unprivileged;
	bool full;            /* the journal has had no room for something */
	bool blackhole_stays; /* its timeout (link/blackhole.h) cannot be changed, or must not */
};

/* Sets up. Negative errno: nothing of the network can be known, or others have set it up otherwise than the policy says. */
int upkeep_open(struct upkeep *upkeep, const struct upkeep_setup *setup, struct err *err);
/* Does not take the set-up back: bystanders_leave() does. */
void upkeep_close(struct upkeep *upkeep);

/* Links may have changed: true if they have, and were looked at. */
bool upkeep_on_links(struct upkeep *upkeep);

/* A subflow has come about or bytes have moved: what was put off may be possible now. */
void upkeep_retry(struct upkeep *upkeep);

/* @link does not answer, or does again: then the peers of subflows that have stayed on it are told (endpoint_tell()). */
void upkeep_silence(struct upkeep *upkeep, unsigned link, bool silent);

/* Puts the endpoints of a link in anew: the kernel then joins over it where it had given up. */
void upkeep_renew(struct upkeep *upkeep, unsigned link);

/* What NetworkManager knows, in the policy of the set-up, has changed. */
void upkeep_on_policy(struct upkeep *upkeep);

/* TCP sockets are to hold at most @bytes (link/backlog.h); 0: as much as they like. */
void upkeep_backlog(struct upkeep *upkeep, uint32_t bytes);
