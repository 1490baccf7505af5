/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to decide: planning TASKS KINDS gives so many tasks to four devices with two slots each and has them done, one after
 * the other, in a time of its own. Prints us of a processor for each task.
 */
#include "drop/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEVICES 4
#define HELD    1024
#define WORK    50 /* ms */

struct held {
	struct plan_device *device;
	struct plan_task *tasks[HELD];
	unsigned first, last;
};

static struct plan plan;
static struct held all[DEVICES];

static double used(void)
{
	struct timespec at;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

/* Does all that is to be done now; how many tasks are over. */
static unsigned decide(uint64_t now)
{
	struct plan_action action;
	unsigned done = 0;
	uint64_t when;

	while (plan_next(&plan, now, &action, &when)) {
		struct held *held = all;

		if (action.what == PLAN_BELIEVE) {
			plan_remove(action.task);
			done++;
		}
		if (action.what != PLAN_GIVE)
			continue;
		while (held->device != action.device)
			held++;
		held->tasks[held->last++ % HELD] = action.task;
	}
	return done;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long kinds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, done = 0;
	struct plan_kind *kind = calloc(kinds + 1, sizeof(*kind));
	const uint8_t digest[PLAN_DIGEST] = {0};
	uint64_t now = 1000000;
	double began = used();
	char name[8];

	if (!count || !kinds || !kind) {
		fputs("usage: planning TASKS KINDS\n", stderr);
		return 2;
	}
	plan_init(&plan);
	for (unsigned i = 0; i < DEVICES; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		all[i].device = plan_device(&plan, name);
		all[i].device->good = 1;
		plan_heard(all[i].device, true, 2, 0, now);
	}
	for (unsigned long i = 0; i < count; i++)
		plan_add(&plan, &kind[i % kinds], 1, 1, now + 3600 * 1000 + i, now);
	while (done < count) {
		done += decide(now);
		now += WORK;
		for (unsigned i = 0; i < DEVICES; i++) {
			struct held *held = &all[i];

			plan_heard(held->device, true, 2, 0, now);
			if (held->first < held->last)
				plan_back(held->tasks[held->first++ % HELD], held->device, digest,
					  WORK);
		}
	}
	printf("%.3f\n", (used() - began) / (double)count);
	plan_free(&plan);
	free(kind);
	return 0;
}
