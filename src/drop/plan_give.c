/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets what. Of each kind the tasks that wait are in one queue, and the kinds are a heap by what is first in each. From its top
 * down each task goes to where it would be finished first. Where that device has no room it is worth waiting for, and those behind
 * reckon with that; but when no device has room for a task of the kind the rest of its queue is not looked at, nor are all kinds.
 */
#include "drop/plan_parts.h"

#define AHEAD    500 /* ms of work that a device holds beyond what it is doing */
#define HELD_MAX 256 /* tasks of ours that a device holds */
#define FULL_MAX \
	64 /* kinds for which nobody has room, before the rest is believed to have none, too */

/* Does it cost money to have it do the task? */
static bool is_costly(const struct plan_device *device, const struct plan_task *task)
{
	return device->metered && task->bytes > 0;
}

/* May it be given tasks like this one? */
static bool is_asked(const struct plan_device *device, const struct plan_task *task, uint64_t now)
{
	return device->slots > 0 && plan_is_there(device, now) &&
	       plan_is_trusted(device, task, now);
}

/* ms from now until the device would have done the task, too. */
static uint64_t finish(const struct plan_device *device, const struct plan_task *task)
{
	uint64_t way = device->self ? 0 : 2 * device->delay;

	if (!device->self && device->rate)
		way += task->bytes * 1000 / device->rate;
	return way + (device->busy + device->waits + device->load) / device->slots +
	       plan_work(task, device->pace);
}

/* May it be given another one now? It shall not run dry before it can be told of the next. */
static bool has_room(const struct plan_device *device, const struct plan_task *task)
{
	uint64_t ahead = device->self ? 0 : AHEAD + 2 * device->delay;
	uint64_t work = plan_work(task, device->pace);

	return device->holds < device->slots + device->slots * ahead / work &&
	       device->holds < HELD_MAX;
}

static bool has_idle(const struct plan_device *device)
{
	return plan_is_familiar(device) && device->holds < device->slots && device->load == 0;
}

static struct plan_device *sooner(struct plan_device *best, struct plan_device *other,
				  const struct plan_task *task)
{
	return !best || finish(other, task) < finish(best, task) ? other : best;
}

/* @idle: only of those that are familiar and have nothing to do. @ret_room: has anyone, for a task like this? */
static struct plan_device *best_for(struct plan *plan, struct plan_task *task, uint64_t now,
				    bool idle, bool *ret_room)
{
	struct plan_device *free = NULL, *costly = NULL;

	*ret_room = false;
	for (struct plan_device *at = plan->devices; at; at = at->next) {
		if (!is_asked(at, task, now))
			continue;
		*ret_room |= has_room(at, task);
		/* One copy more is worth no money. */
		if (plan_find_run(task, at) || (idle && (!has_idle(at) || is_costly(at, task))))
			continue;
		if (is_costly(at, task))
			costly = sooner(costly, at, task);
		else
			free = sooner(free, at, task);
	}
	if (!free || !costly)
		return free ? free : costly;
	return task->deadline && now + finish(free, task) > task->deadline &&
			       now + finish(costly, task) <= task->deadline
		       ? costly
		       : free;
}

static bool give(struct plan_task *task, struct plan_device *device, uint64_t now,
		 struct plan_action *ret)
{
	struct plan_run *run = &task->runs[task->run_count++];

	*run = (struct plan_run){.device = device, .state = PLAN_GIVEN, .given = now};
	run->expected = now + finish(device, task);
	plan_touch(task);
	device->busy += plan_work(task, device->pace);
	device->holds++;
	task->plan->counted = now;
	*ret = (struct plan_action){PLAN_GIVE, task, device};
	return true;
}

/* Sets what each device holds of ours. */
static void count(struct plan *plan, uint64_t now)
{
	uint64_t when = UINT64_MAX;

	if (plan->counted == now)
		return;
	for (struct plan_device *at = plan->devices; at; at = at->next)
		at->busy = at->holds = 0;
	for (struct plan_task *task = plan->active.first; task; task = task->in[PLAN_ACTIVE].after)
		for (unsigned i = 0; i < task->run_count; i++) {
			struct plan_run *run = &task->runs[i];

			if (!plan_is_active(run, now, &when))
				continue;
			run->device->busy += plan_work(task, run->device->pace);
			run->device->holds++;
		}
	plan->counted = now;
}

/* Of what only strangers have, something for whoever is familiar and idle. */
static bool give_open(struct plan *plan, uint64_t now, struct plan_action *ret)
{
	struct plan_task *best = NULL;
	struct plan_device *device = NULL;
	bool idle = false, open, room;
	uint64_t when = UINT64_MAX;

	for (struct plan_device *at = plan->devices; at && !idle; at = at->next)
		idle = at->slots > 0 && plan_is_there(at, now) && has_idle(at);
	for (struct plan_task *task = plan->active.first; task && idle;
	     task = task->in[PLAN_ACTIVE].after) {
		struct plan_device *found;

		if (plan_wants(task, now, &open, &when) > 0 || !open ||
		    (best && !plan_goes_before(task, best)))
			continue;
		found = best_for(plan, task, now, true, &room);
		if (found && has_room(found, task)) {
			best = task;
			device = found;
		}
	}
	return best && give(best, device, now, ret);
}

/* The next task that could be given; NULL: there is none. @looked_at: its kind is added. */
static struct plan_task *look_further(struct plan *plan, struct plan_kind **looked_at)
{
	struct plan_kind *kind = plan->kind_count ? plan->kinds[0] : NULL;

	if (kind && !kind->is_looked_at) {
		kind->is_looked_at = true;
		kind->looked_at = *looked_at;
		*looked_at = kind;
	}
	return kind ? kind->cursor : NULL;
}

/* Behind @task of the first kind; @room: somebody has some for another one of it. */
static void pass(struct plan *plan, struct plan_task *task, bool room)
{
	struct plan_kind *kind = task->kind;

	kind->cursor = room ? task->in[PLAN_WAITING].after : NULL;
	plan_kind_place(plan, kind);
}

static void look_again(struct plan *plan, struct plan_kind *looked_at)
{
	for (; looked_at; looked_at = looked_at->looked_at) {
		looked_at->is_looked_at = false;
		looked_at->cursor = looked_at->waiting.first;
		plan_kind_place(plan, looked_at);
	}
}

bool plan_hand_out(struct plan *plan, uint64_t now, struct plan_action *ret)
{
	struct plan_kind *looked_at = NULL;
	struct plan_task *task;
	unsigned full = 0;
	bool found = false;

	count(plan, now);
	for (struct plan_device *at = plan->devices; at; at = at->next) {
		plan_forgive(at, now);
		at->waits = 0;
	}
	while (!found && full < FULL_MAX && (task = look_further(plan, &looked_at))) {
		bool open, room = true;
		uint64_t when = UINT64_MAX;
		struct plan_device *device = NULL;

		/* Who has it may have been gone, and be back. */
		if (plan_wants(task, now, &open, &when) > 0)
			device = best_for(plan, task, now, false, &room);
		if (device && has_room(device, task))
			found = give(task, device, now, ret);
		else if (device)
			device->waits += plan_work(task, device->pace);
		full += !room;
		pass(plan, task, room);
	}
	look_again(plan, looked_at);
	return found || give_open(plan, now, ret);
}
