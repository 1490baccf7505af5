/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told to the plan. */
#include "drop/plan_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEARN  0.3  /* how much of the next measurement is believed */
#define MARGIN 1000 /* ms before the deadline at which the cloud shall be done */

void plan_list_add(struct plan_list *list, enum plan_lists which, struct plan_task *task,
		   struct plan_task *before)
{
	struct plan_task *after_that = before ? before->in[which].before : list->last;

	task->in[which] = (struct plan_node){.before = after_that, .after = before, .in = true};
	*(after_that ? &after_that->in[which].after : &list->first) = task;
	*(before ? &before->in[which].before : &list->last) = task;
}

void plan_list_remove(struct plan_list *list, enum plan_lists which, struct plan_task *task)
{
	struct plan_node *node = &task->in[which];

	if (!node->in)
		return;
	*(node->before ? &node->before->in[which].after : &list->first) = node->after;
	*(node->after ? &node->after->in[which].before : &list->last) = node->before;
	*node = (struct plan_node){0};
}

void plan_touch(struct plan_task *task)
{
	if (!task->in[PLAN_TOUCHED].in)
		plan_list_add(&task->plan->touched, PLAN_TOUCHED, task, NULL);
	task->plan->counted = 0;
}

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.cloud.pace = 1, .active_look = UINT64_MAX};
}

void plan_free(struct plan *plan)
{
	while (plan->tasks.first)
		plan_remove(plan->tasks.first);
	while (plan->devices) {
		struct plan_device *device = plan->devices;

		plan->devices = device->next;
		free(device);
	}
	free(plan->kinds);
	plan->kinds = NULL;
}

struct plan_device *plan_device(struct plan *plan, const char *name)
{
	struct plan_device *device;

	for (device = plan->devices; device; device = device->next)
		if (strcmp(device->name, name) == 0)
			return device;
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	snprintf(device->name, sizeof(device->name), "%s", name);
	device->plan = plan;
	device->pace = 1;
	device->next = plan->devices;
	plan->devices = device;
	return device;
}

/* Room for one more among those of which something waits. */
static int add_kind(struct plan *plan, struct plan_kind *kind)
{
	if (kind->tasks == 0 && plan->kind_users == plan->kind_room) {
		unsigned room = plan->kind_room ? 2 * plan->kind_room : 16;
		struct plan_kind **kinds =
			reallocarray(plan->kinds, room, sizeof(struct plan_kind *));

		if (!kinds)
			return -1;
		plan->kinds = kinds;
		plan->kind_room = room;
	}
	plan->kind_users += kind->tasks++ == 0;
	return 0;
}

static uint64_t cloud_at(const struct plan *plan, const struct plan_kind *kind, uint64_t deadline)
{
	uint64_t before =
		plan->cloud.delay +
		plan_work(&(struct plan_task){.kind = (struct plan_kind *)kind}, plan->cloud.pace) +
		MARGIN;

	return deadline > before ? deadline - before : 0;
}

/* The first of a kind may have to go to the cloud earlier than was known. */
static void look_earlier(struct plan *plan, const struct plan_kind *kind)
{
	uint64_t at = kind->due ? cloud_at(plan, kind, kind->due) : UINT64_MAX;

	if (at < plan->cloud_look)
		plan->cloud_look = at;
}

struct plan_task *plan_add(struct plan *plan, struct plan_kind *kind, unsigned copies,
			   unsigned agree, uint64_t deadline, uint64_t now)
{
	struct plan_task *task = calloc(1, sizeof(*task));

	if (!task || add_kind(plan, kind) < 0) {
		free(task);
		return NULL;
	}
	*task = (struct plan_task){.kind = kind,
				   .copies = copies,
				   .agree = agree,
				   .deadline = deadline,
				   .submitted = now,
				   .plan = plan};
	plan_list_add(&plan->tasks, PLAN_ALL, task, NULL);
	if (deadline && (!kind->due || deadline < kind->due))
		kind->due = deadline;
	look_earlier(plan, kind);
	plan_touch(task);
	return task;
}

void plan_end(struct plan_task *task)
{
	task->over = true;
	for (unsigned i = 0; i < task->run_count; i++)
		if (task->runs[i].state == PLAN_BACK)
			task->runs[i].state = PLAN_DROPPED; /* nobody says who was right */
	plan_touch(task);
}

void plan_remove(struct plan_task *task)
{
	struct plan *plan = task->plan;

	plan_list_remove(&task->kind->waiting, PLAN_WAITING, task);
	task->kind->cursor = task->kind->waiting.first;
	plan_kind_place(plan, task->kind);
	plan_list_remove(&plan->active, PLAN_ACTIVE, task);
	plan_list_remove(&plan->touched, PLAN_TOUCHED, task);
	plan_list_remove(&plan->tasks, PLAN_ALL, task);
	plan->kind_users -= --task->kind->tasks == 0;
	plan->counted = 0;
	free(task);
}

struct plan_run *plan_find_run(struct plan_task *task, const struct plan_device *device)
{
	for (unsigned i = 0; i < task->run_count; i++)
		if (task->runs[i].device == device)
			return &task->runs[i];
	return NULL;
}

struct plan_run *plan_restore(struct plan_task *task, struct plan_device *device, uint64_t given,
			      enum plan_run_state state)
{
	struct plan_run *run;

	if (task->run_count == PLAN_RUNS_MAX || plan_find_run(task, device))
		return NULL;
	run = &task->runs[task->run_count++];
	*run = (struct plan_run){.device = device, .state = state, .given = given};
	run->expected = given + PLAN_PATIENCE;
	plan_touch(task);
	return run;
}

void plan_heard(struct plan_device *device, bool near, unsigned slots, uint64_t load, uint64_t now)
{
	struct plan *plan = device->plan;

	device->near = near;
	device->slots = slots;
	device->load = load;
	device->heard = now;
	/* Of one that is near less patience is had than was, if it was far. */
	if (now + plan_quiet(device) + 1 < plan->active_look)
		plan->active_look = now + plan_quiet(device) + 1;
	plan->counted = 0;
}

uint64_t plan_work(const struct plan_task *task, double pace)
{
	double work = task->kind->work > 0 ? task->kind->work : PLAN_WORK;

	return (uint64_t)(work * pace) + 1;
}

/* A kind's work is what it takes at pace 1, and a device's pace how it differs from that: each is corrected by the other. */
static void learn(struct plan_task *task, struct plan_device *device, uint64_t took)
{
	struct plan_kind *kind = task->kind;
	double here = (double)took + 1;

	if (kind->work > 0) {
		double pace = here / kind->work;

		pace = pace < 0.05 ? 0.05 : pace > 20 ? 20 : pace;
		device->pace += LEARN * (pace - device->pace);
		kind->work += LEARN * (here / device->pace - kind->work);
	} else {
		kind->work = here / device->pace;
	}
	look_earlier(task->plan, kind);
	plan_kind_place(task->plan, kind);
}

bool plan_back(struct plan_task *task, struct plan_device *device,
	       const uint8_t digest[static PLAN_DIGEST], uint64_t took)
{
	struct plan_run *run = plan_find_run(task, device);

	if (!run || run->state == PLAN_BACK)
		return false;
	run->state = PLAN_BACK;
	memcpy(run->digest, digest, PLAN_DIGEST);
	learn(task, device, took);
	plan_touch(task);
	return true;
}

bool plan_failed(struct plan_task *task, struct plan_device *device)
{
	struct plan_run *run = plan_find_run(task, device);

	if (!run || run->state == PLAN_BACK)
		return false;
	run->state = PLAN_FAILED;
	plan_touch(task);
	return true;
}

uint64_t plan_cloud_at(const struct plan *plan, const struct plan_task *task)
{
	if (!plan->cloud.there || task->deadline == 0 || task->in_cloud)
		return UINT64_MAX;
	return cloud_at(plan, task->kind, task->deadline);
}

bool plan_before(bool own, uint64_t deadline, uint64_t came, bool other_own,
		 uint64_t other_deadline, uint64_t other_came)
{
	if (own != other_own)
		return own;
	if (deadline != other_deadline)
		return (deadline ? deadline : UINT64_MAX) <
		       (other_deadline ? other_deadline : UINT64_MAX);
	return came < other_came;
}

unsigned plan_slots(const struct plan_limits *limits, const struct plan_state *state)
{
	if (state->battery >= 0 && !state->plugged && state->battery < limits->battery_least)
		return 0;
	return state->load > limits->load_most ? 0 : limits->slots;
}
