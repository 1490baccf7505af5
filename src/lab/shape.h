/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one direction of an emulated link does to packets: plain numbers, no behaviour (channel.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct trace;

/* Gilbert-Elliott: two states, each with its own loss. Probabilities are per packet, 0..1. It
 * begins good; for each packet the state may change first, then the state it is in decides. So a
 * share of enter / (enter + leave) of the packets meets the bad state, on average 1 / leave in a
 * row. */
struct burst {
	double enter;     /* good -> bad */
	double leave;     /* bad -> good */
	double loss_bad;  /* loss while bad; 1 unless told */
	double loss_good; /* loss while good; 0 unless told */
};

struct shape {
	uint64_t rate;             /* bit/s of whole Ethernet frames; 0: unlimited */
	const struct trace *trace; /* opportunities to send, in place of rate; NULL: none */
	uint64_t delay;            /* ns, one way */
	uint64_t jitter;    /* ns; delay is uniform in delay +- jitter (at least 0), order kept */
	double loss;        /* independent, 0..1 */
	struct burst burst; /* enter == 0: none */
	double reorder;     /* share of packets, 0..1, that overtake: they skip the delay line */
	uint32_t queue_packets; /* most packets that wait to be sent; 0: unlimited */
	uint32_t queue_bytes;   /* most bytes that wait to be sent; 0: unlimited */
};

/* Which members of a shape a change means; the others stay. */
enum shape_field {
	SHAPE_RATE = 1 << 0, /* rate and trace: the one set replaces the other */
	SHAPE_DELAY = 1 << 1,
	SHAPE_JITTER = 1 << 2,
	SHAPE_LOSS = 1 << 3,
	SHAPE_BURST = 1 << 4,
	SHAPE_REORDER = 1 << 5,
	SHAPE_QUEUE_PACKETS = 1 << 6,
	SHAPE_QUEUE_BYTES = 1 << 7,
};

/* Overwrites in @shape the members of @from that @fields (of enum shape_field) names. */
void shape_change(struct shape *shape, const struct shape *from, unsigned fields);
