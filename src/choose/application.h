/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an application wants of a network, as a table: how good a stack is for it, by what was measured with the workloads that
 * are like it. A score is a rate of something wanted; twice the score is twice as good. Where several workloads count, and
 * several figures, it is their geometric mean, so that no unit outweighs another.
 */
#pragma once

#include <stdbool.h>

#define APPLICATION_WORKLOADS 3
#define APPLICATION_FIGURES   2

struct application {
	const char *name, *summary;
	const char *score; /* the formula, in words */
	const char *workloads
		[APPLICATION_WORKLOADS]; /* those of assess that are like it; NULL: no more */
	struct {
		const char *name; /* of a figure; NULL: no more */
		bool less;        /* is better: it counts as its inverse */
	} figures[APPLICATION_FIGURES];
};

/* A row without a name ends them. */
extern const struct application applications[];

/* NULL: there is none. */
const struct application *application_find(const char *name);
