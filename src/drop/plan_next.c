/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be looked at again, after what happened and as time passes; and the next thing to do. */
#include "drop/plan_parts.h"

#define LATE 3 /* times as long as it was expected to take */

uint64_t plan_quiet(const struct plan_device *device)
{
	return device->near ? PLAN_QUIET : PLAN_FAR + 2 * device->delay;
}

bool plan_is_there(const struct plan_device *device, uint64_t now)
{
	return device->self || (device->heard && now <= device->heard + plan_quiet(device));
}

bool plan_is_active(const struct plan_run *run, uint64_t now, uint64_t *ret_when)
{
	uint64_t until = run->device->heard + plan_quiet(run->device), span;

	if (run->state != PLAN_GIVEN || run->device->bad > 0)
		return false;
	if (run->device->self)
		return true;
	span = (run->expected - run->given) * LATE;
	if (run->given + span + PLAN_PATIENCE < until)
		until = run->given + span + PLAN_PATIENCE;
	if (now > until)
		return false;
	if (until + 1 < *ret_when)
		*ret_when = until + 1;
	return true;
}

unsigned plan_wants(const struct plan_task *task, uint64_t now, bool *ret_open, uint64_t *ret_when)
{
	unsigned active = 0, familiar = 0, back = 0, one;

	*ret_open = false;
	if (task->over)
		return 0;
	for (unsigned i = 0; i < task->run_count; i++) {
		const struct plan_run *run = &task->runs[i];

		back += run->state == PLAN_BACK;
		if (plan_is_active(run, now, ret_when)) {
			active++;
			familiar += plan_is_familiar(run->device);
		}
	}
	if (task->run_count == PLAN_RUNS_MAX)
		return 0;
	if (back + active < task->copies)
		return task->copies - back - active;
	if (active == 0 && plan_votes(task, &one) < task->agree)
		return 1; /* a tie */
	*ret_open = active > 0 && familiar == 0 && task->copies == 1;
	return 0;
}

/* The order within a kind. */
static bool waits_before(const struct plan_task *task, const struct plan_task *other)
{
	return plan_before(true, task->deadline, task->submitted, true, other->deadline,
			   other->submitted);
}

static void set_waiting(struct plan_task *task, bool waits)
{
	struct plan_list *list = &task->kind->waiting;
	struct plan_task *before = NULL;

	if (waits == task->in[PLAN_WAITING].in)
		return;
	if (!waits) {
		plan_list_remove(list, PLAN_WAITING, task);
	} else {
		/* It is new, and belongs to the end, or old, and to the beginning. */
		if (list->first && waits_before(task, list->first))
			before = list->first;
		else
			for (struct plan_task *at = list->last; at && waits_before(task, at);
			     at = at->in[PLAN_WAITING].before)
				before = at;
		plan_list_add(list, PLAN_WAITING, task, before);
	}
	task->kind->cursor = list->first;
	plan_kind_place(task->plan, task->kind);
}

/* Puts it into the lists where it belongs. */
static void sort_in(struct plan_task *task, uint64_t now)
{
	struct plan *plan = task->plan;
	bool open, given = false;

	set_waiting(task, plan_wants(task, now, &open, &plan->active_look) > 0);
	for (unsigned i = 0; i < task->run_count; i++)
		given |= !task->over && task->runs[i].state == PLAN_GIVEN;
	if (given && !task->in[PLAN_ACTIVE].in)
		plan_list_add(&plan->active, PLAN_ACTIVE, task, NULL);
	else if (!given)
		plan_list_remove(&plan->active, PLAN_ACTIVE, task);
}

/* What devices should have done by now, or are gone with. */
static void look_at_active(struct plan *plan, uint64_t now)
{
	if (now < plan->active_look)
		return;
	plan->active_look = UINT64_MAX;
	for (struct plan_task *task = plan->active.first; task; task = task->in[PLAN_ACTIVE].after)
		sort_in(task, now); /* it stays active: no run ends by time */
}

static bool to_cloud(struct plan *plan, uint64_t now, struct plan_action *ret)
{
	bool same = plan->cloud.there == plan->cloud_seen.there &&
		    plan->cloud.delay == plan->cloud_seen.delay &&
		    plan->cloud.pace == plan->cloud_seen.pace;

	if (same && now < plan->cloud_look)
		return false;
	plan->cloud_seen = plan->cloud;
	plan->cloud_look = UINT64_MAX;
	for (struct plan_task *task = plan->tasks.first; task; task = task->in[PLAN_ALL].after)
		task->kind->due = 0;
	for (struct plan_task *task = plan->tasks.first; task; task = task->in[PLAN_ALL].after) {
		uint64_t at = task->over ? UINT64_MAX : plan_cloud_at(plan, task), *due;

		if (at == UINT64_MAX)
			continue;
		if (now >= at) {
			task->in_cloud = true;
			plan->cloud_look = 0; /* there may be more */
			*ret = (struct plan_action){PLAN_CLOUD, task, NULL};
			return true;
		}
		due = &task->kind->due;
		if (*due == 0 || task->deadline < *due)
			*due = task->deadline;
		if (at < plan->cloud_look)
			plan->cloud_look = at;
	}
	return false;
}

bool plan_next(struct plan *plan, uint64_t now, struct plan_action *ret, uint64_t *ret_when)
{
	bool found = false;

	while (plan->touched.first && !found) {
		struct plan_task *task = plan->touched.first;

		found = plan_settle(task, now, ret);
		if (!found) {
			plan_list_remove(&plan->touched, PLAN_TOUCHED, task);
			sort_in(task, now);
		}
	}
	if (!found)
		look_at_active(plan, now);
	found = found || to_cloud(plan, now, ret) || plan_hand_out(plan, now, ret);
	*ret_when = plan->active_look < plan->cloud_look ? plan->active_look : plan->cloud_look;
	return found;
}
