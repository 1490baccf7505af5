/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that nothing would wake. Where all of TCP's memory is taken (tcp_mem), MPTCP does not send what it has, or takes no more,
 * until something is acknowledged. TCP lets every socket have a little even then, so that there always is something; MPTCP does not,
 * and with nothing of a connection under way it waits for ever. So those are told to try again.
 */
#pragma once

#include "lkl/streams.h"

struct stalls {
	uint64_t next; /* of clock_now() */
	bool some;     /* the last look found some that have something to send */
};

/* Cheap. @moved: something has since the last time. When to look next; UINT64_MAX: when something moves. */
uint64_t stalls_look(struct stalls *stalls, struct streams *streams, uint64_t now, bool moved);
