/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of connections that are over, to who asks afterwards: the last PAST_MAX of them, found by what the stack calls them. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#define PAST_MAX 4096 /* a power of two */

struct past_stream {
	uint64_t number;
	int error; /* that it was lost by: positive; 0: it ended */
	struct sockaddr_storage name;
	socklen_t name_size;
	struct past_stream *same_bucket; /* the next one of a bucket */
};

struct past {
	struct past_stream *ring; /* owned */
	unsigned next;
	struct past_stream **buckets; /* owned: PAST_MAX, by numbers */
};

/* -ENOMEM. */
int past_open(struct past *past);
/* Its socket @far is there still, to be asked for its name. */
void past_remember(struct past *past, uint64_t number, int error, int far);
/* NULL: it is not known any more. */
const struct past_stream *past_find(const struct past *past, uint64_t number);
