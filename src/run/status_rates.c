/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates, from the counts of two answers. The kernel's own estimate is the sender's alone, and of
 * when it last had something to send.
 */
#include "run/status.h"

#include "base/cleanup.h"

static double seconds_of(const json_t *run)
{
	return json_number_value(json_object_get(run, "seconds"));
}

static json_int_t integer(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const json_t *find(const json_t *array, const char *member, json_int_t value)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (integer(json_array_get(array, i), member) == value)
			return json_array_get(array, i);
	return NULL;
}

/* Two runs may have the same process id, in different PID namespaces. */
static const json_t *find_run(const json_t *runs, const json_t *run)
{
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *other = json_array_get(runs, i);

		if (integer(other, "pid") == integer(run, "pid") &&
		    integer(other, "since") == integer(run, "since") &&
		    json_equal(json_object_get(other, "program"), json_object_get(run, "program")))
			return other;
	}
	return NULL;
}

static void add(json_t *now, const json_t *before, double seconds)
{
	static const char *const counts[][2] = {{"sent", "rate_sent"},
						{"received", "rate_received"}};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		json_int_t moved = integer(now, counts[i][0]) - integer(before, counts[i][0]);

		/* The counts of a connection can fall when a subflow goes unseen. */
		json_object_set_new(
			now, counts[i][1],
			json_integer(moved > 0 ? (json_int_t)(8 * (double)moved / seconds) : 0));
	}
}

static void add_all(json_t *now, const json_t *before, const char *key, double seconds)
{
	for (size_t i = 0; i < json_array_size(now); i++) {
		json_t *item = json_array_get(now, i);
		const json_t *earlier = find(before, key, integer(item, key));

		if (!earlier)
			continue;
		add(item, earlier, seconds);
		add_all(json_object_get(item, "subflows"), json_object_get(earlier, "subflows"),
			"cookie", seconds);
	}
}

void status_add_rates(json_t *runs, const json_t *before)
{
	for (size_t i = 0; i < json_array_size(runs); i++) {
		json_t *run = json_array_get(runs, i);
		const json_t *earlier = find_run(before, run);
		double seconds = seconds_of(run) - seconds_of(earlier);

		if (earlier && seconds > 0)
			add_all(json_object_get(run, "connections"),
				json_object_get(earlier, "connections"), "inode", seconds);
	}
}
