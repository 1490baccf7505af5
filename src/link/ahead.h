/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far one of ours that sends may be ahead of what its peer has, over an MPTCP connection.
 *
 * What the kernel takes it gives to subflows long before they can send it, and when a link fails, what was lost with it waits
 * behind that: with a send buffer of megabytes for seconds (link/backlog.h). A run bounds the buffers of its whole network
 * namespace, which takes a right that a relay does without; and a buffer that has grown never shrinks. But who writes can
 * see by himself how much is not acknowledged yet (SIOCOUTQ), and what the subflows can use (MPTCP_TCPINFO), and write no more.
 * It is the same for a connection that has one subflow left: what is no further ahead overflows no queue on its way, which would cost it
 * a fifth of a second now and then.
 * There is no event for that a writer can wait for: AHEAD_LATER he looks again, in which time what is under way does not run out.
 */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define AHEAD_LATER (4 * NS_PER_MS)

struct ahead {
	uint64_t need;     /* bytes: the most that the subflows said lately */
	uint64_t lower_at; /* ns: until then it does not become less */
	uint64_t bound;    /* bytes; 0: not looked at yet */
	uint64_t
		look_at; /* ns: subflows are looked at again; UINT64_MAX: never, it is no MPTCP socket */
};

/* May more be written to @fd now? */
bool ahead_may_write(struct ahead *ahead, int fd, uint64_t now);

/* Pure: the bound at @now, when the subflows say that they @need so many bytes together. */
uint64_t ahead_bound(struct ahead *ahead, uint64_t need, uint64_t now);
