/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/figure.h"

#include <stddef.h>
#include <string.h>

const struct figure figures[] = {
	{"goodput", "goodput", "Mbit/s", 1e-6, false},
	{"delay-p50", "delay, median", "ms", 1, true},
	{"delay-p95", "delay, 95th percentile", "ms", 1, true},
	{"delay-p99", "delay, 99th percentile", "ms", 1, true},
	{"delay-max", "delay, longest", "ms", 1, true},
	{"stall", "longest stall", "s", 1, true},
	{"recovery", "time to recover, worst event", "s", 1, true},
	{"cpu-per-gb", "processor time per GB", "s", 1, true},
	{"memory", "memory (PSS, most)", "MB", 1e-6, true},
	{"first-byte", "start to first byte", "s", 1, true},
	{"retransmitted", "segments sent again", "", 1, true},
	{"cpu", "processors busy for it", "%", 100, true},
	{"given-up", "connections given up", "", 1, true},
	{"fallbacks", "connections fallen back to TCP", "", 1, true},
	{"work", "work done", "MB/s", 1e-6, false},
	{0},
};

const struct figure *figure_find(const char *name)
{
	for (const struct figure *figure = figures; figure->name; figure++)
		if (strcmp(figure->name, name) == 0)
			return figure;
	return NULL;
}
