/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixed rate: all arithmetic is in whole units of 1e-9 bit ("work"), so that work = rate * ns is
 * exact. What a division leaves over is kept in @fraction and is part of the next packet's time:
 * a thousand packets back to back take exactly as long as one that is a thousand times as large.
 *
 * Trace: an opportunity is an instant at which up to TRACE_OPPORTUNITY bytes leave: the rest of a
 * packet that earlier opportunities have begun, and as many of the packets waiting behind it as
 * fit; the last of them may again be begun only. Whatever has no packet waiting is lost. So a
 * packet's end is known as soon as it is at the head of the queue, without counting through the
 * opportunities in between.
 */
#include "lab/transmitter.h"

#include "base/clock.h"
#include "lab/trace.h"

#include <stdbool.h>

#define WORK_PER_BYTE (8 * NS_PER_S)

typedef unsigned __int128 uint128;

void transmitter_start(struct transmitter *t, uint64_t rate, const struct trace *trace,
		       uint64_t now)
{
	*t = (struct transmitter){
		.finish = now,
		.rate = rate,
		.trace = trace,
		.next = trace ? trace_find(trace, now) : 0,
	};
}

/* The end of the last packet, rounded down: the whole part to which fraction/rate is added. */
static uint64_t whole(const struct transmitter *t)
{
	return t->finish - (t->fraction != 0);
}

static void send_at_rate(struct transmitter *t, uint128 work)
{
	uint128 end;

	work += t->fraction;
	end = whole(t) + work / t->rate;
	t->fraction = (uint64_t)(work % t->rate);
	end += t->fraction != 0;
	t->finish = end < UINT64_MAX ? (uint64_t)end : UINT64_MAX;
}

static void send_at_opportunities(struct transmitter *t, uint64_t bytes)
{
	uint64_t opportunities;

	if (bytes <= t->left) {
		t->left -= bytes;
		return;
	}
	bytes -= t->left;
	opportunities = (bytes + TRACE_OPPORTUNITY - 1) / TRACE_OPPORTUNITY;
	t->next += opportunities;
	t->left = opportunities * TRACE_OPPORTUNITY - bytes;
	t->finish = trace_opportunity(t->trace, t->next - 1);
}

uint64_t transmitter_send(struct transmitter *t, uint64_t since, uint32_t bytes)
{
	if (since > t->finish)
		transmitter_start(t, t->rate, t->trace, since);
	if (t->trace)
		send_at_opportunities(t, bytes);
	else if (t->rate)
		send_at_rate(t, (uint128)bytes * WORK_PER_BYTE);
	return t->finish;
}

/* Work that the last packet still needs after @now. */
static uint128 missing(const struct transmitter *t, uint64_t now)
{
	if (t->trace) {
		uint64_t coming = t->next - trace_find(t->trace, now + 1);

		return (uint128)(coming * TRACE_OPPORTUNITY - t->left) * WORK_PER_BYTE;
	}
	return (uint128)(whole(t) - now) * t->rate + t->fraction;
}

void transmitter_change(struct transmitter *t, uint64_t rate, const struct trace *trace,
			uint64_t now)
{
	uint128 work = missing(t, now);

	transmitter_start(t, rate, trace, now);
	if (trace)
		send_at_opportunities(t, (uint64_t)((work + WORK_PER_BYTE - 1) / WORK_PER_BYTE));
	else if (rate)
		send_at_rate(t, work);
}
