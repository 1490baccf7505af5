/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers that do not speak MPTCP: whoever connects to one again does so by plain TCP, for a while.
 *
 * It is more than a few bytes of options saved. Where a connection has fallen back, Linux 6.12 numbers a segment by its first byte
 * (net/mptcp/subflow.c, subflow_check_data_avail()) even if that has come before, so what a sender cuts differently when it sends it
 * again is dropped after TCP has acknowledged it, and everything behind it. pump.h sees to it that this never looks like an end.
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
