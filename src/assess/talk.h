/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways that two ends of a workload talk over a connection. A client begins with what it wants (struct hello); both ends
 * are this program on one machine, so it is sent as it lies in memory. Everything is checked at the receiver, byte by byte.
 */
#pragma once

#include "assess/meter.h"
#include "assess/workload.h"

#define HELLO_MAGIC 0x72697675666c6f77u

/* What is not over so long after the workload's time is given up, as a person would: -ETIMEDOUT. What did not arrive by then
 * counts with the delay that it had by then. */
#define TALK_GRACE       (3 * NS_PER_S)
#define TALK_GRACE_SIZED (8 * NS_PER_S) /* transfers of a fixed size have to come to their end */

struct hello {
	uint64_t magic;
	uint64_t talk;     /* enum talk */
	uint64_t origin;   /* of the cell, see meter.h */
	uint64_t seed;     /* of what the client sends; the server's is this + 1 */
	uint64_t until;    /* ns since origin; up and down go on until then... */
	uint64_t up, down; /* ...if UINT64_MAX; else bytes, and down begins when up has ended */
	uint64_t patience; /* ns since origin: when both give up */
};

#define TALK_TIMED UINT64_MAX

/* One end of a stream; @client: sends what goes up. 0, or a negative errno. */
int talk_stream(int fd, const struct hello *hello, bool client, struct meter *meter);
int talk_messages(int fd, const struct hello *hello, bool client, struct meter *meter);

/* By @hello->talk. */
int talk(int fd, const struct hello *hello, bool client, struct meter *meter);

/* The whole of it, on a socket that does not block, until the time @until of meter_clock(); -ETIMEDOUT, -ECONNRESET (also for
 * an end in the middle), ... */
int talk_send(int fd, const void *bytes, size_t size, uint64_t until);
int talk_receive(int fd, void *ret, size_t size, uint64_t until);
/* Until one of @events happens: those that did; 0: not by @until; or a negative errno. */
int talk_wait(int fd, short events, uint64_t until);
