/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks a link whether it is alive: a TCP connection from one of its addresses to a peer that a
 * program of the run talked to over it. Any answer will do, a refusal too. A dead link lets nothing
 * through, so the peer is bothered once, when the link is back; the connection is reset at once, before
 * the last acknowledgement of the handshake: so there is none yet for a server's program, to which a reset
 * of what it has accepted may be an error that it does not live through.
 */
#pragma once

#include "base/address.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define PROBER_MAX 8 /* links asked at the same time */

struct prober {
	struct {
		int fd; /* owned; 0: free slot */
		unsigned link;
	} probes[PROBER_MAX];
};

struct prober_target {
	struct address local, remote;
	uint16_t remote_port;
};

/* Starts a probe; one that is still under way on @link is given up. -EADDRNOTAVAIL: the address is not the link's any more; other
 * failures are like no answer. */
int prober_ask(struct prober *prober, unsigned link, const struct prober_target *target);

/* Fills @fds, in order of the slots, for poll(); free slots have fd -1. */
void prober_poll(const struct prober *prober, struct pollfd fds[static PROBER_MAX]);

/* After poll(): the index of a link that answered, 0 when there is none (any more). */
unsigned prober_answer(struct prober *prober, const struct pollfd fds[static PROBER_MAX]);

void prober_close(struct prober *prober);
