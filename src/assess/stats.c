/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/stats.h"

#include "base/cleanup.h"
#include "lab/random.h"

#include <math.h>
#include <string.h>

#define RESAMPLES 2000
#define SEED      8u
#define FILL_MAX  1000000 /* values; what was measured stays below */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of values in order. */
static double quantile(const double *sorted, size_t n, double share)
{
	double at = share * (double)(n - 1);
	size_t below = (size_t)at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* A copy in order, the caller's; NULL without values or memory. */
static double *in_order(const double *values, size_t n)
{
	double *sorted = n ? calloc(n, sizeof(*sorted)) : NULL;

	if (!sorted)
		return NULL;
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	return sorted;
}

double stats_quantile(const double *values, size_t n, double share)
{
	_cleanup_free_ double *sorted = in_order(values, n);

	return sorted ? quantile(sorted, n, share) : NAN;
}

double stats_median(const double *values, size_t n)
{
	return stats_quantile(values, n, 0.5);
}

static void resample(const double *values, struct stats *ret)
{
	_cleanup_free_ double *medians = calloc(RESAMPLES, sizeof(*medians));
	_cleanup_free_ double *sample = calloc(ret->n, sizeof(*sample));
	struct random random = {SEED};

	if (!medians || !sample)
		return;
	for (size_t round = 0; round < RESAMPLES; round++) {
		for (size_t i = 0; i < ret->n; i++)
			sample[i] = values[random_below(&random, ret->n)];
		qsort(sample, ret->n, sizeof(*sample), compare);
		medians[round] = quantile(sample, ret->n, 0.5);
	}
	qsort(medians, RESAMPLES, sizeof(*medians), compare);
	ret->low = quantile(medians, RESAMPLES, 0.025);
	ret->high = quantile(medians, RESAMPLES, 0.975);
}

struct stats stats_of(const double *values, size_t n)
{
	_cleanup_free_ double *sorted = in_order(values, n);
	struct stats stats = {.n = sorted ? n : 0};

	if (!sorted)
		return stats;
	stats.median = quantile(sorted, n, 0.5);
	stats.low = stats.least = sorted[0];
	stats.high = stats.most = sorted[n - 1];
	if (stats.median != 0)
		stats.spread =
			(quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25)) / stats.median;
	if (n >= STATS_FEW)
		resample(values, &stats);
	return stats;
}

struct stats stats_paired(const double *above, const double *below, size_t n)
{
	_cleanup_free_ double *ratios = calloc(n + 1, sizeof(*ratios));
	size_t count = 0;

	for (size_t i = 0; ratios && i < n; i++)
		if (above[i] > 0 && below[i] > 0)
			ratios[count++] = above[i] / below[i];
	return stats_of(ratios, count);
}

int stats_fill(double **values, size_t *n)
{
	double pace = *n ? stats_median(*values, *n) : 0;
	size_t count = *n, room = *n;
	double *all = *values;

	if (!(pace > 0))
		return 0;
	for (size_t i = 0; i < *n; i++) {
		size_t missed = (size_t)(all[i] / pace);

		for (size_t j = 1; j < missed && count < FILL_MAX; j++) {
			if (count == room) {
				double *more = realloc(all, 2 * room * sizeof(*more));

				if (!more)
					return -ENOMEM;
				*values = all = more;
				room *= 2;
			}
			all[count++] = all[i] - (double)j * pace;
		}
	}
	*n = count;
	return 0;
}
