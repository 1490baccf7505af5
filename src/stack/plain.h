/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers that do not speak MPTCP: whoever connects to one again does so by plain TCP, for a while. A connection that has fallen back
 * has a socket and queues of MPTCP's over those of TCP all the same, and nothing for it, and Linux' own may lose bytes of it
 * (rivulet-run(1), BUGS).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PLAIN_MAX 256

struct plain_peer {
	struct sockaddr_in6 address; /* of either family */
	uint64_t until;              /* of clock_now(); 0: none */
};

struct plain {
	struct plain_peer peers[PLAIN_MAX];
	unsigned next; /* that is forgotten first */
};

bool plain_is(const struct plain *plain, const struct sockaddr *to, uint64_t now);
void plain_note(struct plain *plain, const struct sockaddr *to, uint64_t now);
