/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEARN    0.3  /* how much of the next measurement is believed */
#define AHEAD    500  /* ms of work that a device holds beyond what it is doing */
#define LATE     3    /* times as long as it was expected to take */
#define MARGIN   1000 /* ms before the deadline at which the cloud shall be done */
#define HELD_MAX 256  /* tasks of ours that a device holds */

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.cloud.pace = 1};
	plan->end = &plan->tasks;
}

void plan_free(struct plan *plan)
{
	while (plan->tasks)
		plan_remove(plan, plan->tasks);
	while (plan->devices) {
		struct plan_device *device = plan->devices;

		plan->devices = device->next;
		free(device);
	}
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
	device->pace = 1;
	device->next = plan->devices;
	plan->devices = device;
	return device;
}

struct plan_task *plan_add(struct plan *plan, struct plan_kind *kind, unsigned copies,
			   unsigned agree, uint64_t deadline, uint64_t now)
{
	struct plan_task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	*task = (struct plan_task){.kind = kind,
				   .copies = copies,
				   .agree = agree,
				   .deadline = deadline,
				   .submitted = now};
	*plan->end = task;
	plan->end = &task->next;
	return task;
}

void plan_end(struct plan_task *task)
{
	task->over = true;
	for (unsigned i = 0; i < task->run_count; i++)
		if (task->runs[i].state == PLAN_BACK)
			task->runs[i].state = PLAN_DROPPED; /* nobody says who was right */
}

void plan_remove(struct plan *plan, struct plan_task *task)
{
	for (struct plan_task **at = &plan->tasks; *at; at = &(*at)->next)
		if (*at == task) {
			*at = task->next;
			if (plan->end == &task->next)
				plan->end = at;
			free(task);
			return;
		}
}

static struct plan_run *find_run(struct plan_task *task, const struct plan_device *device)
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

	if (task->run_count == PLAN_RUNS_MAX || find_run(task, device))
		return NULL;
	run = &task->runs[task->run_count++];
	*run = (struct plan_run){.device = device, .state = state, .given = given};
	run->expected = given + PLAN_PATIENCE;
	return run;
}

void plan_heard(struct plan_device *device, bool near, unsigned slots, uint64_t load, uint64_t now)
{
	device->near = near;
	device->slots = slots;
	device->load = load;
	device->heard = now;
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
}

bool plan_back(struct plan_task *task, struct plan_device *device,
	       const uint8_t digest[static PLAN_DIGEST], uint64_t took)
{
	struct plan_run *run = find_run(task, device);

	if (!run || run->state == PLAN_BACK)
		return false;
	run->state = PLAN_BACK;
	memcpy(run->digest, digest, PLAN_DIGEST);
	learn(task, device, took);
	return true;
}

bool plan_failed(struct plan_task *task, struct plan_device *device)
{
	struct plan_run *run = find_run(task, device);

	if (!run || run->state == PLAN_BACK)
		return false;
	run->state = PLAN_FAILED;
	return true;
}

uint64_t plan_cloud_at(const struct plan *plan, const struct plan_task *task)
{
	uint64_t before = plan->cloud.delay + plan_work(task, plan->cloud.pace) + MARGIN;

	if (!plan->cloud.there || task->deadline == 0 || task->in_cloud)
		return UINT64_MAX;
	return task->deadline > before ? task->deadline - before : 0;
}

static bool is_familiar(const struct plan_device *device)
{
	return device->self || device->good >= PLAN_UNFAMILIAR;
}

static uint64_t quiet(const struct plan_device *device)
{
	return device->near ? PLAN_QUIET : PLAN_FAR + 2 * device->delay;
}

static bool is_there(const struct plan_device *device, uint64_t now)
{
	return device->self || (device->heard && now <= device->heard + quiet(device));
}

/* May it be given tasks? */
static bool is_asked(const struct plan_device *device, uint64_t now)
{
	return device->slots > 0 && device->bad == 0 && is_there(device, now);
}

/* Is the run counted on? @ret_when: until when, if so. */
static bool is_active(const struct plan_run *run, uint64_t now, uint64_t *ret_when)
{
	uint64_t until = run->device->heard + quiet(run->device), span;

	if (run->state != PLAN_GIVEN)
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

/* The largest number of equal results; and one of them. */
static unsigned votes(const struct plan_task *task, unsigned *ret_run)
{
	unsigned best = 0;

	for (unsigned i = 0; i < task->run_count; i++) {
		unsigned equal = 0;

		if (task->runs[i].state != PLAN_BACK)
			continue;
		for (unsigned j = 0; j < task->run_count; j++)
			equal += task->runs[j].state == PLAN_BACK &&
				 memcmp(task->runs[i].digest, task->runs[j].digest, PLAN_DIGEST) ==
					 0;
		if (equal > best) {
			best = equal;
			*ret_run = i;
		}
	}
	return best;
}

/* How many more devices have to be asked. @ret_open: none has, but those that were are strangers. */
static unsigned wants(const struct plan_task *task, uint64_t now, bool *ret_open,
		      uint64_t *ret_when)
{
	unsigned active = 0, familiar = 0, back = 0, one;

	*ret_open = false;
	for (unsigned i = 0; i < task->run_count; i++) {
		const struct plan_run *run = &task->runs[i];

		back += run->state == PLAN_BACK;
		if (is_active(run, now, ret_when)) {
			active++;
			familiar += is_familiar(run->device);
		}
	}
	if (task->run_count == PLAN_RUNS_MAX)
		return 0;
	if (back + active < task->copies)
		return task->copies - back - active;
	if (active == 0 && votes(task, &one) < task->agree)
		return 1; /* a tie */
	*ret_open = active > 0 && familiar == 0 && task->copies == 1;
	return 0;
}

/* ms from now until the device would have done the task, too. */
static uint64_t finish(const struct plan_device *device, const struct plan_task *task)
{
	uint64_t way = device->self ? 0 : 2 * device->delay;

	if (!device->self && device->rate)
		way += task->bytes * 1000 / device->rate;
	return way + (device->busy + device->load) / device->slots + plan_work(task, device->pace);
}

/* May it be given another one now? It shall not run dry before it can be told of the next. */
static bool has_room(const struct plan_device *device, const struct plan_task *task)
{
	uint64_t ahead = device->self ? 0 : AHEAD + 2 * device->delay;
	uint64_t work = plan_work(task, device->pace);

	return device->holds < device->slots + device->slots * ahead / work &&
	       device->holds < HELD_MAX;
}

static struct plan_device *best_for(struct plan *plan, struct plan_task *task, uint64_t now,
				    bool idle_familiar)
{
	struct plan_device *best = NULL;

	for (struct plan_device *at = plan->devices; at; at = at->next) {
		if (!is_asked(at, now) || find_run(task, at))
			continue;
		if (idle_familiar && (!is_familiar(at) || at->holds >= at->slots || at->load > 0))
			continue;
		if (!best || finish(at, task) < finish(best, task))
			best = at;
	}
	return best;
}

static bool give(struct plan_task *task, struct plan_device *device, uint64_t now,
		 struct plan_action *ret)
{
	struct plan_run *run = &task->runs[task->run_count++];

	*run = (struct plan_run){.device = device, .state = PLAN_GIVEN, .given = now};
	run->expected = now + finish(device, task);
	*ret = (struct plan_action){PLAN_GIVE, task, device};
	return true;
}

/* Sets what each device holds of ours. */
static void count(struct plan *plan, uint64_t now)
{
	uint64_t when = UINT64_MAX;

	for (struct plan_device *at = plan->devices; at; at = at->next)
		at->busy = at->holds = 0;
	for (struct plan_task *task = plan->tasks; task; task = task->next)
		for (unsigned i = 0; !task->over && i < task->run_count; i++) {
			struct plan_run *run = &task->runs[i];

			if (!is_active(run, now, &when))
				continue;
			run->device->busy += plan_work(task, run->device->pace);
			run->device->holds++;
		}
}

/* Those that wait: what has a deadline first, the earliest of them; then the longest. */
static int compare(const void *a, const void *b)
{
	const struct plan_task *first = *(struct plan_task *const *)a,
			       *second = *(struct plan_task *const *)b;
	uint64_t work = plan_work(first, 1), other = plan_work(second, 1);

	if (first->deadline != second->deadline)
		return (first->deadline ? first->deadline : UINT64_MAX) <
				       (second->deadline ? second->deadline : UINT64_MAX)
			       ? -1
			       : 1;
	if (work != other)
		return work > other ? -1 : 1;
	return first->submitted < second->submitted ? -1 : first->submitted > second->submitted;
}

static bool hand_out(struct plan *plan, uint64_t now, struct plan_action *ret, uint64_t *ret_when)
{
	struct plan_task **queue;
	size_t count_all = 0, waiting = 0;
	bool found = false;

	for (struct plan_task *task = plan->tasks; task; task = task->next)
		count_all++;
	queue = calloc(count_all + 1, sizeof(struct plan_task *));
	if (!queue)
		return false;
	count(plan, now);
	for (unsigned pass = 0; pass < 2 && !found; pass++) {
		waiting = 0;
		for (struct plan_task *task = plan->tasks; task; task = task->next) {
			bool open;
			unsigned more = task->over ? 0 : wants(task, now, &open, ret_when);

			if (!task->over && (pass == 0 ? more > 0 : open))
				queue[waiting++] = task;
		}
		qsort(queue, waiting, sizeof(struct plan_task *), compare);
		for (size_t i = 0; i < waiting && !found; i++) {
			struct plan_device *device = best_for(plan, queue[i], now, pass == 1);

			if (device && has_room(device, queue[i]))
				found = give(queue[i], device, now, ret);
			else if (device) /* it is worth waiting for */
				device->busy += plan_work(queue[i], device->pace);
		}
	}
	free(queue);
	return found;
}

/* One whose result was believed is over; who else has it is told, and who was wrong is remembered. */
static bool settle(struct plan_task *task, struct plan_action *ret)
{
	unsigned run = 0;

	if (!task->over && votes(task, &run) >= task->agree) {
		struct plan_device *device = task->runs[run].device;

		task->over = true;
		for (unsigned i = 0; i < task->run_count; i++) {
			struct plan_run *other = &task->runs[i];

			if (other->state != PLAN_BACK)
				continue;
			if (memcmp(other->digest, task->runs[run].digest, PLAN_DIGEST) == 0) {
				other->device->good++;
				other->state = PLAN_DROPPED;
			}
		}
		*ret = (struct plan_action){PLAN_BELIEVE, task, device};
		return true;
	}
	for (unsigned i = 0; task->over && i < task->run_count; i++) {
		struct plan_run *other = &task->runs[i];

		if (other->state != PLAN_BACK && other->state != PLAN_GIVEN)
			continue;
		*ret = (struct plan_action){other->state == PLAN_BACK ? PLAN_CAUGHT : PLAN_RECALL,
					    task, other->device};
		if (other->state == PLAN_BACK)
			other->device->bad += !other->device->self;
		other->state = PLAN_DROPPED;
		return true;
	}
	return false;
}

bool plan_next(struct plan *plan, uint64_t now, struct plan_action *ret, uint64_t *ret_when)
{
	*ret_when = UINT64_MAX;
	for (struct plan_task *task = plan->tasks; task; task = task->next) {
		uint64_t cloud_at;

		if (settle(task, ret))
			return true;
		cloud_at = task->over ? UINT64_MAX : plan_cloud_at(plan, task);
		if (now >= cloud_at) {
			task->in_cloud = true;
			*ret = (struct plan_action){PLAN_CLOUD, task, NULL};
			return true;
		}
		if (cloud_at < *ret_when)
			*ret_when = cloud_at;
	}
	return hand_out(plan, now, ret, ret_when);
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
