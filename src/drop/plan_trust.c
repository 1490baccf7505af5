/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom to believe. A device that gave another result than what was believed was caught. It is not asked for a term, PLAN_BAN the
 * first time and four times as long each time after that; then it is on probation: it is asked only for tasks whose answer somebody
 * else has to confirm. PLAN_REDEEM good results there, or another such term, and once is forgiven; when all is, it begins again
 * as a stranger. Its result alone is no answer before that.
 */
#include "drop/plan_parts.h"

#include <string.h>

#define TERM_SHIFT_MAX 6 /* 64 times PLAN_BAN at most */

bool plan_is_familiar(const struct plan_device *device)
{
	return device->self || (device->good >= PLAN_UNFAMILIAR && device->bad == 0);
}

uint64_t plan_ban(const struct plan_device *device)
{
	unsigned shift = device->bad ? 2 * (device->bad - 1) : 0;

	return device->bad ? PLAN_BAN << (shift < TERM_SHIFT_MAX ? shift : TERM_SHIFT_MAX) : 0;
}

bool plan_is_on_probation(const struct plan_device *device, uint64_t now)
{
	return device->bad > 0 && now >= device->caught + plan_ban(device);
}

bool plan_is_trusted(const struct plan_device *device, const struct plan_task *task, uint64_t now)
{
	return device->bad == 0 || (task->agree > 1 && plan_is_on_probation(device, now));
}

void plan_forgive(struct plan_device *device, uint64_t now)
{
	while (device->bad > 0 &&
	       (device->redeemed >= PLAN_REDEEM || now >= device->caught + 2 * plan_ban(device))) {
		bool time = device->redeemed < PLAN_REDEEM;
		uint64_t at = time ? device->caught + 2 * plan_ban(device) : now;

		device->bad--;
		device->good = device->redeemed = 0;
		device->caught =
			at > plan_ban(device) ? at - plan_ban(device) : 0; /* still on probation */
	}
}

unsigned plan_votes(const struct plan_task *task, unsigned *ret_run)
{
	unsigned best = 0;

	for (unsigned i = 0; i < task->run_count; i++) {
		const struct plan_run *run = &task->runs[i];
		unsigned equal = 0;

		if (run->state != PLAN_BACK || (task->agree == 1 && run->device->bad > 0))
			continue;
		for (unsigned j = 0; j < task->run_count; j++)
			equal += task->runs[j].state == PLAN_BACK &&
				 memcmp(run->digest, task->runs[j].digest, PLAN_DIGEST) == 0;
		if (equal > best) {
			best = equal;
			*ret_run = i;
		}
	}
	return best;
}

static void believe(struct plan_task *task, unsigned run)
{
	task->over = true;
	for (unsigned i = 0; i < task->run_count; i++) {
		struct plan_run *other = &task->runs[i];

		if (other->state != PLAN_BACK ||
		    memcmp(other->digest, task->runs[run].digest, PLAN_DIGEST) != 0)
			continue;
		other->device->good++;
		other->device->redeemed += other->device->bad > 0;
		other->state = PLAN_DROPPED;
	}
}

bool plan_settle(struct plan_task *task, uint64_t now, struct plan_action *ret)
{
	unsigned run = 0;

	if (!task->over && plan_votes(task, &run) >= task->agree) {
		*ret = (struct plan_action){PLAN_BELIEVE, task, task->runs[run].device};
		believe(task, run);
		return true;
	}
	for (unsigned i = 0; task->over && i < task->run_count; i++) {
		struct plan_run *other = &task->runs[i];
		bool caught = other->state == PLAN_BACK;

		if (!caught && other->state != PLAN_GIVEN)
			continue;
		other->state = PLAN_DROPPED;
		if (caught && !other->device->self) {
			other->device->bad++;
			other->device->caught = now;
			other->device->redeemed = 0;
			task->plan->active_look = 0; /* nothing that it has is counted on */
		}
		*ret = (struct plan_action){caught ? PLAN_CAUGHT : PLAN_RECALL, task,
					    other->device};
		return true;
	}
	return false;
}
