/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of an emulated link. Pure: packets and the time in, packets and times out; no
 * clock, no I/O, one random generator of its own, so that a seed decides everything.
 *
 *   push -> queue (tail drop by packets, by bytes) -> transmitter (rate or trace)
 *        -> loss (independent, bursts) -> delay line (delay, jitter, reordering) -> pop
 *
 * A packet that is being transmitted still counts as queued. An empty queue takes any packet, even
 * one larger than queue_bytes. Without a rate or trace nothing ever waits: the queue stays empty. A
 * lost packet has used its share of the rate, as on a real wire.
 *
 * Times are ns since the start of the lab (any origin will do as long as it stays; a trace begins
 * at 0). They never fall from call to call, whichever the function. Calling late changes nothing:
 * what the link does by itself happens at its own times, and calls with one @now take effect in the
 * order in which they are made, after all that ends at @now.
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
	uint8_t *data;       /* the owner's, of any length */
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
	uint64_t packets, bytes;                     /* delivered: popped */
	uint64_t offered, offered_bytes;             /* pushed */
	uint64_t drops[CHANNEL_DROPS];               /* packets, by cause */
	uint64_t reordered;                          /* packets that overtook others */
	uint32_t queue_packets_max, queue_bytes_max; /* the longest that the queue was */
};

struct channel;

/* What becomes of packets that the channel drops, and of those inside at channel_free(): called for
 * each, with @owner from channel_new(); @packet is the callee's from then on. It must not call the
 * channel. */
typedef void (*channel_release)(struct packet *packet, void *owner);

/* NULL without memory. @shape is copied (its trace is borrowed and must outlive the channel, or the
 * next shape). Counts into @stats, which the caller owns, zeroes, and keeps for as long as the
 * channel (it may be shared memory). Offered packets are the delivered, the dropped, and those
 * still inside. */
struct channel *channel_new(const struct shape *shape, uint64_t seed, struct channel_stats *stats,
			    channel_release release, void *owner);
/* Releases what is still inside; NULL is fine. */
void channel_free(struct channel *channel);

/* Takes @packet (owned by the channel until popped or released), which came at @now. */
void channel_push(struct channel *channel, struct packet *packet, uint64_t now);

/* The next packet whose time has come, or NULL; the caller owns it. Its @due is the exact time at
 * which an ideal link would have delivered it, <= now. */
struct packet *channel_pop(struct channel *channel, uint64_t now);

/* When to call channel_pop() again, CHANNEL_NEVER when empty. Exact unless chance is still to
 * decide about the packet (loss, jitter, reordering) or a blackhole swallows it: then channel_pop()
 * may have nothing yet, never something earlier. After a channel_pop() that gave NULL it is in the
 * future. */
uint64_t channel_next(const struct channel *channel);

/* Changes to the link, from the time @now on. What was due by @now has been delivered and is still
 * given out by channel_pop(). */

/* Packets in the delay line keep their times, and those behind them still do not overtake them. The
 * packet that is being transmitted and those in the queue go on at the new rate; a lower queue
 * limit is for new packets. */
void channel_set_shape(struct channel *channel, const struct shape *shape, uint64_t now);

/* Blackhole: packets vanish where they would have been delivered, also those on their way. */
void channel_set_blackhole(struct channel *channel, bool on, uint64_t now);

/* Down: everything inside is dropped at once and nothing is taken. */
void channel_set_down(struct channel *channel, bool on, uint64_t now);
