/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All cells of an assessment, in the order in which they are run. Pure.
 *
 * A repetition is a block: every combination once, in an order that the seed decides, so that what changes on the machine
 * meanwhile hits all alike; what is compared is compared within a block. All stacks and protocols in a scenario with a workload on a
 * profile come one after the other: they are what is compared, and where the time ends, it ends between two such places, and does not
 * leave each of them without some of its third values. Combinations that say nothing are left out: control
 * but once for a profile, single links but for bulk workloads where nothing happens to the links, and an emulated device but in
 * the first scenario in which nothing does.
 */
#pragma once

#include "assess/cell.h"

#define MATRIX_MAX 32 /* of each kind */

/* All borrowed. */
struct matrix {
	struct cell_scenario scenarios[MATRIX_MAX];
	const struct workload *workloads[MATRIX_MAX];
	struct profile profiles[MATRIX_MAX];
	const struct stack_ops *stacks[MATRIX_MAX]; /* that can run */
	unsigned scenario_count, workload_count, profile_count, stack_count;
	bool protocols[CELL_PROTOCOLS];
	unsigned repetitions;
	uint64_t
		duration; /* ns, of a workload in a scenario without events; the others take until 1.5 s after the last */
	uint64_t seed;
	uint64_t
		budget; /* ns that all may take: fewer repetitions, but one at least; 0: no limit */
};

/* The cells, which borrow from @matrix; the caller frees. NULL without memory. */
struct cell *matrix_plan(const struct matrix *matrix, unsigned *ret_count);

/* How many of @cells, from the first on, are of one place. */
unsigned matrix_place(const struct cell *cells, unsigned count);

/* ns that @cells will take, about. */
uint64_t matrix_estimate(const struct cell *cells, unsigned count);
