/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far an assessment is, and how long it will still take: a line that is drawn anew on a terminal; else one for each cell. */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct pace {
	FILE *out; /* borrowed */
	unsigned all, done;
	uint64_t left;           /* ns that what is left was estimated to take */
	uint64_t planned, taken; /* ns that what is done was estimated to take, and took */
};

/* What is being done now. */
void pace_show(const struct pace *pace, const char *what);
/* That took @taken, and was to take @planned. */
void pace_step(struct pace *pace, uint64_t planned, uint64_t taken);
/* Nothing stays on the terminal. */
void pace_clear(const struct pace *pace);

/* ns that what was estimated to take @planned will take, by what was done so far. */
uint64_t pace_expect(const struct pace *pace, uint64_t planned);
