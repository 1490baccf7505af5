/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What applications do on a network, as a table: each row is played by the same few ways to talk (talk.h). */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum talk {
	TALK_STREAM,   /* bytes for some time, or a number of them, each way */
	TALK_ASK,      /* small requests and their answers, one after the other */
	TALK_MESSAGES, /* messages at fixed times, each way at once */
	TALK_NONE,     /* no connection: the processor alone */
};

#define ASK_SIZE      64u
#define MESSAGE_SIZE  2048u
#define MESSAGE_EVERY (100 * NS_PER_MS)

struct workload {
	const char *name, *summary;
	enum talk talk;
	bool up,
		down; /* TALK_STREAM: for as long as it takes; a size that is not 0 counts instead */
	/* Bytes of each connection, least and most (drawn evenly by the seed); down begins when up has ended. One connection
	 * follows the other for as long as the workload takes, but no less than one. */
	uint32_t up_bytes[2], down_bytes[2];
	unsigned clients; /* connections at a time */
	/* What counts of it: the name of a figure (figure.h). */
	const char *figure;
};

/* A row without a name ends them. */
extern const struct workload workloads[];

/* NULL: there is none. */
const struct workload *workload_find(const char *name);

/* Does it consist of transfers of a fixed size? */
static inline bool workload_is_sized(const struct workload *workload)
{
	return workload->talk == TALK_STREAM && (workload->up_bytes[1] || workload->down_bytes[1]);
}
