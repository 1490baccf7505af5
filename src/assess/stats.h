/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of repeated measurements. Pure; the generator of the bootstrap is seeded with a constant, so that the same
 * figures give the same intervals everywhere.
 *
 * Medians, because one disturbed run must not move a figure; intervals by resampling (percentile bootstrap of the median,
 * 95 %), because nothing is known of the distribution. With fewer than STATS_FEW values resampling has nothing to say, and the
 * interval is all that was seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define STATS_FEW 3

struct stats {
	size_t n; /* 0: the rest means nothing */
	double median;
	double low, high;   /* the interval of the median */
	double least, most; /* of all values */
	double spread;      /* distance of the quartiles / median; 0 if the median is */
};

/* @values are left as they are. @share: 0..1, between values by interpolation. NAN without values or memory. */
double stats_quantile(const double *values, size_t n, double share);
double stats_median(const double *values, size_t n);

struct stats stats_of(const double *values, size_t n);

/* Of the ratios above[i] / below[i]: what was measured in one turn is compared with each other, so what both met cancels out.
 * Pairs with a side that is not above 0 are left out. */
struct stats stats_paired(const double *above, const double *below, size_t n);

/* For delays of requests that are made one after the other: who waits for an answer asks for no other meanwhile, so the longest
 * silence would count as one delay among hundreds. For each that is longer than the median, adds those of the requests that
 * would have been made meanwhile at the median's pace: d - m, d - 2 m, ... down to m ("coordinated omission"). *@values is
 * from malloc(), and grows. -ENOMEM. */
int stats_fill(double **values, size_t *n);
