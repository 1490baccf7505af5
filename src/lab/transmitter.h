/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When does a packet that is put on an emulated wire leave it? A transmitter sends one packet at a
 * time, at a fixed rate or at the opportunities of a trace, or takes no time at all. Pure.
 */
#pragma once

#include <stdint.h>

struct trace;

/* Read @finish; the rest is the transmitter's own. */
struct transmitter {
	uint64_t finish; /* ns: when the last packet has left; saturates at UINT64_MAX */

	uint64_t rate;     /* bit/s */
	uint64_t fraction; /* the exact end is before @finish by 1 - fraction/rate ns, if not 0 */

	const struct trace *trace; /* in place of rate if not NULL; borrowed */
	uint64_t next;             /* the first opportunity that nobody has used */
	uint64_t left;             /* bytes that the one before it, at @finish, still carries */
};

/* Idle at the time @now. @rate 0 and no @trace: unlimited. */
void transmitter_start(struct transmitter *t, uint64_t rate, const struct trace *trace,
		       uint64_t now);

/* Sends a packet that is there since @since, after those before it; returns and sets @finish. */
uint64_t transmitter_send(struct transmitter *t, uint64_t since, uint32_t bytes);

/* In the middle of a packet (@now < @finish): what is missing of it is sent at the new rate. */
void transmitter_change(struct transmitter *t, uint64_t rate, const struct trace *trace,
			uint64_t now);
