/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/level.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

#define TURNS 200

void level_add(struct level *level, const double *values)
{
	double *more = realloc(level->logs, (level->items + 1) * level->ways * sizeof(*more));

	if (!level->ways || !more) {
		level->failed |= level->ways > 0;
		return;
	}
	level->logs = more;
	for (unsigned way = 0; way < level->ways; way++)
		more[level->items * level->ways + way] =
			values[way] > 0 && isfinite(values[way]) ? log(values[way]) : NAN;
	level->items++;
}

/* What is left of an item's values without what their ways give, on average; NAN: it has none. */
static double item_of(const struct level *level, unsigned item, const double *ways)
{
	const double *logs = &level->logs[item * level->ways];
	unsigned count = 0;
	double sum = 0;

	for (unsigned way = 0; way < level->ways; way++)
		if (!isnan(logs[way])) {
			sum += logs[way] - ways[way];
			count++;
		}
	return count ? sum / count : NAN;
}

/* The other way round. */
static double way_of(const struct level *level, unsigned way, const double *items)
{
	unsigned count = 0;
	double sum = 0;

	for (unsigned item = 0; item < level->items; item++) {
		double value = level->logs[item * level->ways + way];

		if (!isnan(value)) {
			sum += value - items[item];
			count++;
		}
	}
	return count ? sum / count : NAN;
}

void level_of(const struct level *level, double ret[static WAYS_MAX])
{
	_cleanup_free_ double *items = calloc(level->items + 1, sizeof(*items));
	double ways[WAYS_MAX] = {0}, all = 0;
	unsigned count = 0;

	for (unsigned way = 0; way < WAYS_MAX; way++)
		ret[way] = 0;
	if (!items || level->failed)
		return;
	/* By turns: each turn leaves less. Without gaps the first one is exact. */
	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (unsigned item = 0; item < level->items; item++)
			items[item] = item_of(level, item, ways);
		for (unsigned way = 0; way < level->ways; way++)
			ways[way] = way_of(level, way, items);
	}
	for (unsigned item = 0; item < level->items; item++)
		if (!isnan(items[item])) {
			all += items[item];
			count++;
		}
	for (unsigned way = 0; way < level->ways && count; way++)
		if (!isnan(ways[way]))
			ret[way] = exp(all / count + ways[way]);
}

void level_free(struct level *level)
{
	free(level->logs);
	*level = (struct level){0};
}
