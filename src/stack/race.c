/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack/race.h"

#include <string.h>

static bool is_empty(const struct race_queue *queue)
{
	return queue->next == queue->count;
}

void race_start(struct race *race, uint64_t stagger)
{
	*race = (struct race){.stagger = stagger, .turn = RACE_IPV6};
}

void race_resolved(struct race *race, enum race_family family, const struct sockaddr_storage *all,
		   unsigned count, uint64_t now)
{
	struct race_queue *queue = &race->queues[family];

	queue->count = count < RACE_MAX ? count : RACE_MAX;
	if (queue->count)
		memcpy(queue->all, all, queue->count * sizeof(*all));
	queue->known = true;
	queue->since = now;
}

/* When the next attempt may begin. */
static uint64_t due(const struct race *race)
{
	const struct race_queue *v6 = &race->queues[RACE_IPV6], *v4 = &race->queues[RACE_IPV4];

	if (is_empty(v6) && is_empty(v4))
		return RACE_NEVER;
	if (race->started)
		return race->next_at;
	return v6->known ? 0 : v4->since + RACE_RESOLUTION_DELAY;
}

const struct sockaddr_storage *race_next(struct race *race, uint64_t now, uint64_t *ret_wake)
{
	uint64_t at = due(race);
	struct race_queue *queue;

	if (now < at) {
		*ret_wake = at;
		return NULL;
	}
	if (is_empty(&race->queues[race->turn]))
		race->turn = !race->turn;
	queue = &race->queues[race->turn];
	race->turn = !race->turn;
	race->started = true;
	race->next_at = now + race->stagger;
	race->under_way++;
	return &queue->all[queue->next++];
}

void race_failed(struct race *race, uint64_t now)
{
	race->under_way--;
	race->next_at = now;
}

bool race_is_over(const struct race *race)
{
	for (unsigned i = 0; i < RACE_FAMILIES; i++)
		if (!race->queues[i].known || !is_empty(&race->queues[i]))
			return false;
	return race->under_way == 0;
}
