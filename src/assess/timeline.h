/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What came when: a receiver's view of a transfer, and what follows from it. Pure; all times are ns from one origin, the start
 * of the cell.
 *
 * A silence is the time between two arrivals, or from the last one to the end of the transfer (one that stalls and then gives
 * up has stalled). The time until the first byte is told apart: it is start-up, not a stall.
 */
#pragma once

#include "base/clock.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_BIN  (100 * NS_PER_MS)
#define TIMELINE_BINS 1200             /* what comes later counts into the last */
#define TIMELINE_GAP  (20 * NS_PER_MS) /* shorter silences are not kept */
#define TIMELINE_GAPS 64               /* the longest are */

struct gap {
	uint64_t from, to;
};

/* Zero to begin with. */
struct timeline {
	uint64_t first, last; /* 0: nothing came */
	uint64_t end;         /* of the transfer; 0: not yet */
	uint64_t bytes;
	uint64_t bins[TIMELINE_BINS];
	struct gap gaps[TIMELINE_GAPS]; /* in no order */
	unsigned gap_count;
};

void timeline_add(struct timeline *line, uint64_t now, uint64_t bytes);
/* The transfer is over. */
void timeline_end(struct timeline *line, uint64_t now);

/* bit/s from the first byte to the last; 0: none, or all came at once. */
double timeline_goodput(const struct timeline *line);
/* ns; shorter ones than TIMELINE_GAP are 0. */
uint64_t timeline_longest(const struct timeline *line);
/* ns from an event at @at until bytes came again: the end of the longest silence that was going on, or began, between the
 * event and @until (the next one); 0: nothing was felt. */
uint64_t timeline_recovery(const struct timeline *line, uint64_t at, uint64_t until);

/* As JSON, and back; a negative errno for what is none. */
json_t *timeline_describe(const struct timeline *line);
int timeline_parse(const json_t *from, struct timeline *ret);
