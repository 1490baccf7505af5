/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that nothing would wake. Where all of TCP's memory is taken (tcp_mem), MPTCP does not send what it has, or takes no more,
 * until something is acknowledged. TCP lets every socket have a little even then, so that there always is something; MPTCP does not,
 * and with nothing of a connection under way it waits for ever. Here it lets them, too (kernel/net/mptcp/rivulet_memory.c); who was
 * refused all the same, with nothing under way, is told to try again.
 *
 * Where what came too early takes all that a connection may have, what comes next is acknowledged to the peer's TCP, but MPTCP tells nobody
 * of it (Linux 6.12): it takes it when somebody tries to receive. A download would stand still, so those that get nothing
 * while subflows move are told to try.
 */
#pragma once

#include "lkl/streams.h"

struct stalls {
	uint64_t next; /* of clock_now() */
	bool some; /* the last look found some that have something to send, or something has moved since */
	uint64_t carried; /* what subflows had, then */
};

/* Cheap. @moved: something has since the last time. @carried: bytes of all subflows, as far as is known. When to look next;
 * UINT64_MAX: when something moves. */
uint64_t stalls_look(struct stalls *stalls, struct streams *streams, uint64_t now, bool moved,
		     uint64_t carried);
