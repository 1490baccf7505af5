/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Geometric means that can be compared although not everything was measured of everyone: each value is taken for what its item
 * gives, times what its way gives, and both are found so that the squares of what is left (in logarithms) are least. Where
 * nothing is missing it is the mean over the items.
 */
#pragma once

#include "choose/measurements.h"

struct level {
	unsigned ways;
	double *logs; /* of each item, one after the other: of each way; NAN: not known. Owned */
	unsigned items;
	bool failed; /* there was no memory */
};

/* One more item: a value of each way, 0 if it is not known. */
void level_add(struct level *level, const double *values);
/* What each way gives on average over all items; 0: nothing is known of it. */
void level_of(const struct level *level, double ret[static WAYS_MAX]);
void level_free(struct level *level);
