/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of which something waits, a heap by what is the next of each (plan_kind.cursor). */
#include "drop/plan_parts.h"

bool plan_goes_before(const struct plan_task *task, const struct plan_task *other)
{
	uint64_t work = plan_work(task, 1), other_work = plan_work(other, 1);

	if (task->deadline != other->deadline)
		return (task->deadline ? task->deadline : UINT64_MAX) <
		       (other->deadline ? other->deadline : UINT64_MAX);
	return work != other_work ? work > other_work : task->submitted < other->submitted;
}

/* Places count from 1 on: those below @at are 2 @at and 2 @at + 1. */
static void put(struct plan *plan, unsigned at, struct plan_kind *kind)
{
	plan->kinds[at - 1] = kind;
	kind->index = at;
}

static bool is_before(const struct plan *plan, unsigned at, unsigned other)
{
	return plan_goes_before(plan->kinds[at - 1]->cursor, plan->kinds[other - 1]->cursor);
}

static void swap(struct plan *plan, unsigned a, unsigned b)
{
	struct plan_kind *kind = plan->kinds[a - 1];

	put(plan, a, plan->kinds[b - 1]);
	put(plan, b, kind);
}

/* That at @at may be too far up, or too far down. */
static void settle(struct plan *plan, unsigned at)
{
	for (; at > 1 && is_before(plan, at, at / 2); at /= 2)
		swap(plan, at, at / 2);
	for (;;) {
		unsigned first = at;

		for (unsigned child = 2 * at; child <= 2 * at + 1 && child <= plan->kind_count;
		     child++)
			if (is_before(plan, child, first))
				first = child;
		if (first == at)
			return;
		swap(plan, at, first);
		at = first;
	}
}

static void take_out(struct plan *plan, struct plan_kind *kind)
{
	unsigned at = kind->index, last = plan->kind_count;

	if (!at)
		return;
	swap(plan, at, last);
	kind->index = 0;
	plan->kind_count--;
	if (at < last)
		settle(plan, at);
}

void plan_kind_place(struct plan *plan, struct plan_kind *kind)
{
	if (!kind->cursor) {
		take_out(plan, kind);
		return;
	}
	if (!kind->index)
		put(plan, ++plan->kind_count, kind); /* plan_add() has made room */
	settle(plan, kind->index);
}
