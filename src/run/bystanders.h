/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that live on what runs have set up. At the end of a run nothing is taken away from under those of other
 * programs; when a run was killed, at least nothing that would cut a connection off altogether.
 */
#pragma once

#include "link/change.h"
#include "link/links.h"
#include "run/journal.h"

#include <stdbool.h>

#define BYSTANDERS_ADDRESSES 32

struct bystander {
	uint32_t connection; /* the inode of its socket; 0: closed by its program */
	struct address local;
	bool proven; /* bytes have gone over it, or it has lived for a while: the connection can stand on it */
	uint32_t unacked, rtt_min, last_ack; /* as in struct diag_socket */
};

struct bystanders {
	struct bystander *flows; /* owned */
	unsigned count, room;
	struct links links;
	struct address endpoints[BYSTANDERS_ADDRESSES]; /* whose subflows would go */
	unsigned endpoint_count;
	bool unknown; /* there was no memory or descriptor to look with: whatever there is may be needed, until the next look */
	bool only_cut_off; /* need only what keeps a connection from losing its last subflow */
};

/* Looks at the MPTCP subflows that a process holds or that still have something to send. If they cannot be had on this
 * kernel there are none. */
void bystanders_look(struct bystanders *bystanders, struct netstack *netstack,
		     const struct journal *journal, bool only_cut_off);
/* The same for @addresses that are about to lose their subflows, whoever's the connections are. */
void bystanders_look_at(struct bystanders *bystanders, struct netstack *netstack,
			const struct address *addresses, unsigned count);
/* Would a connection be left without a proven subflow if @address lost its own, and all that are about to theirs? */
bool bystanders_cut_off(const struct bystanders *bystanders, const struct address *address);
/* For how long (ms) those that lose their subflows had better wait for it (link/settle.h). */
unsigned bystanders_settle(const struct bystanders *bystanders);
void bystanders_free(struct bystanders *bystanders);

/* Gives up what the run holds in this network namespace but for what they need; number of changes kept: try again. */
unsigned bystanders_leave(struct journal *journal, bool only_cut_off);

/* Is @change needed? As a journal_in_use, @data is the struct bystanders. */
bool bystanders_need(const struct change *change, void *data);
