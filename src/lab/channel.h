/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of an emulated link. Pure: packets and the time in, packets and times out; no
 * clock, no I/O, one random generator of its own, so that a seed decides everything.
 *
 *   push -> queue (tail drop by packets, by bytes) -> transmitter (rate or trace)
 *        -> loss (independent, bursts) -> delay line (delay, jitter, reordering) -> pop
 *
 * A packet that is being transmitted still counts as queued. A lost packet has used its share of
 * the rate, as on a real wire.
 */
#pragma once

#include "lab/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_NEVER UINT64_MAX

/* A packet on its way. The channel uses the first members; @data is the owner's and is not looked
 * at. */
struct packet {
	struct packet *next; /* the channel's while the packet is in it */
	uint64_t due;        /* ns: when channel_pop() gives it out */
	uint64_t order;      /* breaks ties of @due: first sent, first out */
	uint32_t size;       /* bytes of the Ethernet frame, without checksum */
	uint32_t capacity;   /* the owner's */
	uint8_t *data;       /* the owner's */
};

enum channel_drop {
	CHANNEL_DROP_QUEUE,     /* the queue was full */
	CHANNEL_DROP_LOSS,      /* independent or burst loss */
	CHANNEL_DROP_BLACKHOLE, /* silent outage */
	CHANNEL_DROP_DOWN,      /* no carrier */
	CHANNEL_DROPS
};
extern const char *const channel_drop_names[CHANNEL_DROPS];

struct channel_stats {
	uint64_t packets, bytes;                     /* delivered */
	uint64_t offered, offered_bytes;             /* pushed */
	uint64_t drops[CHANNEL_DROPS];               /* packets, by cause */
	uint64_t reordered;                          /* packets that overtook others */
	uint32_t queue_packets_max, queue_bytes_max; /* the longest that the queue was */
};

struct channel;

/* What becomes of packets that the channel drops: called for each, with @owner from channel_new().
 */
typedef void (*channel_release)(struct packet *packet, void *owner);

/* NULL without memory. @shape is copied (its trace is borrowed and must outlive the channel).
 * Counts into
 * @stats, which the caller owns (it may be shared memory). */
struct channel *channel_new(const struct shape *shape, uint64_t seed, struct channel_stats *stats,
			    channel_release release, void *owner);
/* Releases what is still inside. */
void channel_free(struct channel *channel);

/* Takes @packet (owned by the channel until popped or released). Times never fall from call to
 * call. */
void channel_push(struct channel *channel, struct packet *packet, uint64_t now);

/* The next packet whose time has come, or NULL; the caller owns it. Its @due is the exact time at
 * which an ideal link would have delivered it, <= now. */
struct packet *channel_pop(struct channel *channel, uint64_t now);

/* When channel_pop() will have something, CHANNEL_NEVER when empty. */
uint64_t channel_next(const struct channel *channel);

/* Changes to the link, from the time @now on. Packets already in the delay line keep their times.
 */
void channel_set_shape(struct channel *channel, const struct shape *shape, uint64_t now);
/* Blackhole: packets vanish where they would have been delivered, also those on their way. */
void channel_set_blackhole(struct channel *channel, bool on, uint64_t now);
/* Down: everything inside is dropped at once and nothing is taken. */
void channel_set_down(struct channel *channel, bool on, uint64_t now);
