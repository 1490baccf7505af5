/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What assessments have measured (their summary.json), as choices need it: names are numbers, and what was measured at a place
 * is found at once, for there are tens of thousands of figures in a whole assessment.
 */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define NAMES_MAX 255
#define WAYS_MAX  12

/* A name's number is its place. Borrowed from the document. */
struct names {
	const char *all[NAMES_MAX];
	unsigned count;
};

/* How a program's bytes go: a stack, and TCP or MPTCP over it. Borrowed from the document. */
struct measured_way {
	const char *stack, *protocol;
};

/* What of, in numbers of the names below. */
struct measured_at {
	uint8_t figure, workload, scenario, profile, way;
};

struct measured {
	struct measured_at at;
	double median, low, high; /* above 0 */
	double n;                 /* how often it was measured; 0: not known */
	double likely;            /* the median, as far as it is to be believed (trust.h) */
};

struct measurements {
	json_t *document; /* owned */
	struct names figures, workloads, scenarios, profiles;
	struct measured_way ways[WAYS_MAX];
	unsigned way_count;
	struct {
		double cpus, memory; /* processors' time, bytes; 0: not known */
	} sizes[NAMES_MAX];          /* of profiles */
	struct measured *all;        /* owned; in order of what of */
	unsigned count;
	double packet; /* ns that a small packet took on that machine; 0: not known */
};

/* From a summary; takes a reference of its own. -EINVAL: it is none. The caller frees with measurements_free(). */
int measurements_from(json_t *summary, struct measurements *ret, struct err *err);
/* From a file; -ENOENT, ... with words in @err. */
int measurements_load(const char *path, struct measurements *ret, struct err *err);
void measurements_free(struct measurements *measurements);

/* NULL: it was not measured. */
const struct measured *measurements_find(const struct measurements *measurements,
					 struct measured_at at);

/* Its number; -ENOENT: there is none. */
int names_find(const struct names *names, const char *name);
int measurements_way(const struct measurements *measurements, const char *stack,
		     const char *protocol);
