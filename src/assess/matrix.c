/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/matrix.h"

#include "lab/random.h"

#include <stdlib.h>
#include <string.h>

#define AFTER_EVENTS \
	(1500 * NS_PER_MS) /* and what stands still then is waited for longer (talk.h) */

struct plan {
	const struct matrix *matrix;
	struct cell *cells;
	unsigned count, room;
	bool failed;
};

static void add(struct plan *plan, const struct cell *cell)
{
	if (plan->count == plan->room) {
		unsigned room = plan->room ? 2 * plan->room : 64;
		struct cell *cells = realloc(plan->cells, room * sizeof(*cells));

		if (!cells) {
			plan->failed = true;
			return;
		}
		plan->cells = cells;
		plan->room = room;
	}
	plan->cells[plan->count++] = *cell;
}

static uint64_t duration_of(const struct matrix *matrix, const struct scenario *scenario)
{
	uint64_t last = scenario->event_count
				? scenario->events[scenario->event_count - 1].at + AFTER_EVENTS
				: 0;

	return last > matrix->duration ? last : matrix->duration;
}

static bool is_bulk(const struct workload *workload)
{
	return workload->talk == TALK_STREAM && !workload_is_sized(workload);
}

/* TCP over each of the device's links, to say what all of them together give. */
static void add_links(struct plan *plan, struct cell cell)
{
	const struct scenario *scenario = cell.scenario->scenario;
	unsigned mine = 0;

	if (!is_bulk(cell.workload) || !cell.stack->own_tcp || cell.protocol != CELL_TCP ||
	    scenario->event_count || cell.profile->emulated)
		return;
	for (unsigned i = 0; i < scenario->link_count; i++)
		mine += scenario->links[i].ends[0].host == 0 ||
			scenario->links[i].ends[1].host == 0;
	for (unsigned i = 0; mine > 1 && i < scenario->link_count; i++)
		if (scenario->links[i].ends[0].host == 0 || scenario->links[i].ends[1].host == 0) {
			cell.link = (int)i;
			add(plan, &cell);
		}
}

/* Can that be measured on this profile? An emulated device is there only when what happens to links may have happened, and has
 * no room for a kernel that programs run inside; and it takes its time, so that one network has to do. */
static bool is_possible(const struct matrix *matrix, const struct cell *cell)
{
	unsigned calm = 0;

	if (!cell->profile->emulated)
		return true;
	while (calm < matrix->scenario_count && matrix->scenarios[calm].scenario->event_count)
		calm++;
	return cell->scenario == &matrix->scenarios[calm] && !cell->stack->machine;
}

static void add_stacks(struct plan *plan, struct cell cell)
{
	const struct matrix *matrix = plan->matrix;
	bool control = cell.workload->talk == TALK_NONE;

	for (unsigned i = 0; i < matrix->stack_count; i++)
		for (unsigned protocol = 0; protocol < CELL_PROTOCOLS; protocol++) {
			cell.stack = matrix->stacks[i];
			cell.protocol = (enum cell_protocol)protocol;
			if (!matrix->protocols[protocol] ||
			    !cell_has_protocol(cell.stack, cell.protocol) ||
			    !is_possible(matrix, &cell))
				continue;
			add(plan, &cell);
			if (control)
				return;
			add_links(plan, cell);
		}
}

static void add_block(struct plan *plan, unsigned repetition)
{
	const struct matrix *matrix = plan->matrix;

	for (unsigned s = 0; s < matrix->scenario_count; s++)
		for (unsigned w = 0; w < matrix->workload_count; w++)
			for (unsigned p = 0; p < matrix->profile_count; p++) {
				struct cell cell = {
					.scenario = &matrix->scenarios[s],
					.workload = matrix->workloads[w],
					.profile = &matrix->profiles[p],
					.link = -1,
					.repetition = repetition,
					.duration =
						duration_of(matrix, matrix->scenarios[s].scenario),
				};

				if (cell.workload->talk == TALK_NONE) {
					cell.duration = matrix->duration;
					if (s > 0)
						continue;
				}
				add_stacks(plan, cell);
			}
}

static void shuffle(struct cell *cells, unsigned count, uint64_t seed)
{
	struct random random = {seed};

	for (unsigned i = count; i > 1; i--) {
		unsigned other = (unsigned)random_below(&random, i);
		struct cell cell = cells[i - 1];

		cells[i - 1] = cells[other];
		cells[other] = cell;
	}
}

static bool is_one_place(const struct cell *a, const struct cell *b)
{
	return a->scenario == b->scenario && a->workload == b->workload &&
	       a->profile == b->profile && a->repetition == b->repetition;
}

/* Of each place all cells come behind its first. */
static void gather(struct cell *cells, unsigned count)
{
	for (unsigned first = 0, next; first < count; first = next) {
		next = first + 1;
		for (unsigned i = next; i < count; i++) {
			struct cell cell = cells[i];

			if (!is_one_place(&cell, &cells[first]))
				continue;
			memmove(&cells[next + 1], &cells[next], (i - next) * sizeof(cell));
			cells[next++] = cell;
		}
	}
}

unsigned matrix_place(const struct cell *cells, unsigned count)
{
	unsigned i = 0;

	while (i < count && is_one_place(&cells[i], &cells[0]))
		i++;
	return i;
}

uint64_t matrix_estimate(const struct cell *cells, unsigned count)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < count; i++)
		all += cell_estimate(&cells[i]);
	return all;
}

struct cell *matrix_plan(const struct matrix *matrix, unsigned *ret_count)
{
	struct plan plan = {.matrix = matrix};

	for (unsigned i = 0; i < matrix->repetitions; i++) {
		unsigned begin = plan.count;

		add_block(&plan, i);
		if (i > 0 && matrix->budget &&
		    matrix_estimate(plan.cells, plan.count) > matrix->budget) {
			plan.count = begin;
			break;
		}
		shuffle(plan.cells + begin, plan.count - begin, matrix->seed + i);
		gather(plan.cells + begin, plan.count - begin);
	}
	if (plan.failed || !plan.count) {
		free(plan.cells);
		return NULL;
	}
	*ret_count = plan.count;
	return plan.cells;
}
