/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A channel in virtual time, for the tests of it: packets are numbered, and none may get lost. */
#pragma once

#include "base/clock.h"
#include "lab/channel.h"
#include "lab/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MBIT 1000000ULL
#define SEED 42

/* A channel under test, and where each of its packets is. */
struct link {
	struct channel *channel;
	struct channel_stats stats;
	uint64_t inside;   /* packets pushed and neither popped nor released */
	uint64_t released; /* packets that the channel gave up */
};

static inline void release(struct packet *packet, void *owner)
{
	struct link *link = owner;

	link->inside--;
	link->released++;
	free(packet);
}

static inline void link_open(struct link *link, const struct shape *shape, uint64_t seed)
{
	memset(link, 0, sizeof(*link));
	link->channel = channel_new(shape, seed, &link->stats, release, link);
	assert_non_null(link->channel);
}

static inline uint64_t drops(const struct channel_stats *stats)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < CHANNEL_DROPS; i++)
		sum += stats->drops[i];
	return sum;
}

/* No packet may get lost without a count. */
static inline void link_check(const struct link *link)
{
	assert_int_equal(link->stats.offered,
			 link->stats.packets + drops(&link->stats) + link->inside);
	assert_int_equal(link->released, drops(&link->stats));
}

static inline void link_close(struct link *link)
{
	link_check(link);
	channel_free(link->channel);
	assert_int_equal(link->inside, 0);
}

/* Packets know their number through @capacity, which is the owner's. */
static inline void push(struct link *link, uint32_t size, uint64_t now)
{
	struct packet *packet = calloc(1, sizeof(*packet));

	assert_non_null(packet);
	packet->size = size;
	packet->capacity = (uint32_t)link->stats.offered;
	link->inside++;
	channel_push(link->channel, packet, now);
}

static inline struct packet *pop(struct link *link, uint64_t now)
{
	struct packet *packet = channel_pop(link->channel, now);

	if (packet) {
		assert_true(packet->due <= now);
		link->inside--;
	} else {
		assert_true(channel_next(link->channel) > now);
	}
	return packet;
}

/* Pops the next packet as an owner would who sleeps until channel_next(): its due time, or
 * CHANNEL_NEVER when the channel is empty. */
static inline uint64_t pop_due(struct link *link)
{
	uint64_t next;

	while ((next = channel_next(link->channel)) != CHANNEL_NEVER) {
		struct packet *packet = pop(link, next);
		uint64_t due;

		if (!packet)
			continue;
		due = packet->due;
		assert_int_equal(due, next); /* not a nanosecond late */
		free(packet);
		return due;
	}
	return CHANNEL_NEVER;
}

/* All packets that came by @now: how many. */
static inline uint64_t drain(struct link *link, uint64_t now)
{
	struct packet *packet;
	uint64_t n = 0;

	for (; (packet = pop(link, now)); n++)
		free(packet);
	return n;
}

static inline struct trace *parse(const char *text)
{
	struct trace *trace = NULL;

	assert_int_equal(trace_parse(text, strlen(text), &trace, NULL), 0);
	return trace;
}
