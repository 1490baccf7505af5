/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cells there are, in which order, and what a profile gives. */
#include "assess/matrix.h"

#include <stdlib.h>
#include <string.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct scenario_end ends(unsigned host)
{
	return (struct scenario_end){.host = host};
}

static struct matrix make(struct scenario *scenario)
{
	static struct scenario_link links[2];
	struct matrix matrix = {
		.scenarios = {{"one", scenario}},
		.scenario_count = 1,
		.workloads = {workload_find("bulk-down"), workload_find("request"),
			      workload_find("control")},
		.workload_count = 3,
		.profiles = {profiles[0]},
		.profile_count = 1,
		.stacks = {&stack_native, &stack_host},
		.stack_count = 2,
		.protocols = {true, true},
		.repetitions = 3,
		.duration = NS_PER_S,
		.seed = 7,
	};

	for (unsigned i = 0; i < 2; i++) {
		snprintf(links[i].name, sizeof(links[i].name), "link%u", i);
		links[i].ends[0] = ends(0);
		links[i].ends[1] = ends(1);
	}
	*scenario = (struct scenario){.links = links, .link_count = 2};
	return matrix;
}

/* Lost: measurements that a reader would look for, or an hour for those that say nothing. */
static void combinations(void **state)
{
	struct scenario scenario;
	struct matrix matrix = make(&scenario);
	unsigned count = 0, links = 0, control = 0, host_mptcp = 0;
	struct cell *cells = matrix_plan(&matrix, &count);

	/* bulk: native tcp, mptcp, host tcp, two links; request: three; control: one. */
	assert_int_equal(count, 3 * (5 + 3 + 1));
	for (unsigned i = 0; i < count; i++) {
		char key[CELL_KEY_MAX], other[CELL_KEY_MAX];

		links += cells[i].link >= 0;
		control += cells[i].workload->talk == TALK_NONE;
		host_mptcp += cells[i].stack->tcp_only && cells[i].protocol == CELL_MPTCP;
		assert_int_equal(cells[i].repetition, i / 9); /* round by round */
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(cell_key(&cells[i], key),
						cell_key(&cells[j], other));
	}
	assert_int_equal(links, 6);
	assert_int_equal(control, 3);
	assert_int_equal(host_mptcp, 0);
	free(cells);
}

/* Lost: an order that nobody can repeat, or that is none. */
static void order(void **state)
{
	struct scenario scenario;
	struct matrix matrix = make(&scenario);
	char key[CELL_KEY_MAX], other[CELL_KEY_MAX];
	unsigned count, same = 0, places = 1;
	struct cell *cells = matrix_plan(&matrix, &count), *again = matrix_plan(&matrix, &count);

	for (unsigned i = 0; i < count; i++)
		assert_string_equal(cell_key(&cells[i], key), cell_key(&again[i], other));
	/* What is compared comes together: three workloads, a round after the other. */
	for (unsigned i = 1; i < count; i++)
		places += cells[i].workload != cells[i - 1].workload ||
			  cells[i].repetition != cells[i - 1].repetition;
	assert_int_equal(places, 3 * 3);
	places = 0;
	for (unsigned i = 0; i < count; i += matrix_place(&cells[i], count - i))
		places++;
	assert_int_equal(places, 3 * 3);
	free(again);
	matrix.seed = 8;
	again = matrix_plan(&matrix, &count);
	for (unsigned i = 0; i < count; i++)
		same += strcmp(cell_key(&cells[i], key), cell_key(&again[i], other)) == 0;
	assert_true(same < count / 2);
	free(cells);
	free(again);
}

/* Lost: "at most 3 minutes". */
static void budget(void **state)
{
	struct scenario scenario;
	struct matrix matrix = make(&scenario);
	unsigned count;
	struct cell *cells;

	matrix.budget = 45 * NS_PER_S;
	cells = matrix_plan(&matrix, &count);
	assert_int_equal(count, 18);
	assert_true(matrix_estimate(cells, count) <= matrix.budget);
	free(cells);
	matrix.budget = 1; /* one round there is, in any case */
	cells = matrix_plan(&matrix, &count);
	assert_int_equal(count, 9);
	free(cells);
	memset(matrix.protocols, 0, sizeof(matrix.protocols));
	assert_null(matrix_plan(&matrix, &count));
}

/* Lost: what the events of a scenario do to a workload that is over before them. */
static void events(void **state)
{
	struct scenario_event event = {.at = 5 * NS_PER_S};
	struct scenario scenario;
	struct matrix matrix = make(&scenario);
	unsigned count;
	struct cell *cells;

	scenario.events = &event;
	scenario.event_count = 1;
	cells = matrix_plan(&matrix, &count);
	assert_int_equal(count, 3 * (3 + 3 + 1));
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(cells[i].duration / NS_PER_MS,
				 cells[i].workload->talk == TALK_NONE ? 1000 : 6500);
	free(cells);
}

static void check_profile(const char *text, double cpus, uint64_t memory)
{
	struct profile profile;
	struct err err;

	assert_int_equal(profile_parse(text, &profile, &err), 0);
	assert_true(profile.cpus > cpus - 1e-9 && profile.cpus < cpus + 1e-9);
	assert_int_equal(profile.memory, memory);
}

/* Lost: a device that is measured is not the one that was meant. */
static void profile(void **state)
{
	static const char *const wrong[] = {
		"",
		"unknown",
		":cpu=1",
		"UPPER:cpu=1",
		"a:",
		"a:cpu=0",
		"a:cpu=nan",
		"a:cpu=-1",
		"a:cpu=1e9",
		"a:cpu=1x",
		"a:memory=x",
		"a:cpu=1,,",
		"a:disk=1",
		"a:cpu=30 %",
		"a-name-that-is-longer-than-any-profile-may-have:cpu=1",
	};
	struct profile_quota quota;
	struct profile got;
	struct err err;

	check_profile("this", 0, 0);
	check_profile("pi", 0.5, 256u << 20);
	check_profile("slow:cpu=30%,memory=128MiB", 0.3, 128u << 20);
	check_profile("two:cpu=2", 2, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		err.text[0] = 0;
		assert_true(profile_parse(wrong[i], &got, &err) < 0);
		assert_true(err.text[0]);
	}
	/* Short periods, but no quota that a kernel refuses. */
	for (const struct profile *each = profiles + 1; each->name[0]; each++) {
		if (each->emulated)
			continue; /* it is given none */
		quota = profile_quota(each);
		assert_true(quota.time >= NS_PER_MS);
		assert_true((double)quota.time / (double)quota.period > each->cpus * 0.999 &&
			    (double)quota.time / (double)quota.period < each->cpus * 1.001);
		assert_true(quota.period <= 5 * NS_PER_MS || quota.time == NS_PER_MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(combinations), cmocka_unit_test(order),   cmocka_unit_test(budget),
		cmocka_unit_test(events),       cmocka_unit_test(profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
