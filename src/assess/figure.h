/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures that a cell gives, as a table: names in records, words and units for people. */
#pragma once

#include <stdbool.h>

struct figure {
	const char *name, *words, *unit;
	double scale; /* from the record's unit to @unit */
	bool less;    /* is better */
};

/* A row without a name ends them. */
extern const struct figure figures[];

/* NULL: there is none. */
const struct figure *figure_find(const char *name);
