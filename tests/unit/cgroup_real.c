/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without this, a limit could be written to a file and not hold. This machine's own control groups, whichever version they are; where none
 * can be made (not root, nothing handed over) there is nothing to be seen.
 */
#include "base/cgroup.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#define PREFIX "rivulet-unit-"
#define USED   0.04 /* s */

static struct cgroup group;
static const struct cgroup_limits limits = {
	.cpu_time = NS_PER_MS, .cpu_period = 5 * NS_PER_MS, .memory = 24u << 20, .processes = 4};

/* A group with this controller, limited. */
static bool make(enum cgroup_controller controller, unsigned more)
{
	struct cgroup_tree tree;

	cgroup_prepare(CGROUP_ROOT, NULL, CGROUP_BIT(controller) | more);
	cgroup_find(&tree, CGROUP_ROOT, NULL, CGROUP_BIT(controller) | more);
	if (!tree.places[controller].ops || cgroup_make(&tree, PREFIX, &group) < 0)
		return false;
	assert_int_equal(cgroup_limit(&group, controller, &limits), 0);
	return true;
}

/* Runs @work in the group. */
static pid_t start(void (*work)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (cgroup_join(&group) < 0)
			_exit(126);
		work();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static int tear_down(void **state)
{
	cgroup_remove(&group);
	return 0;
}

static void burn(void)
{
	for (;;)
		getppid();
}

/* A fifth of a processor takes five times as long, whatever else runs; and what runs for ever ends with its group. */
static void test_cpu(void **state)
{
	uint64_t began = clock_now();
	pid_t pid;
	int status;

	if (!make(CGROUP_CPU, CGROUP_BIT(CGROUP_ACCOUNT)))
		CANNOT("there is no control group with the cpu controller");
	pid = start(burn);
	while (cgroup_cpu(&group) < USED) {
		assert_true(cgroup_cpu(&group) >= 0);
		usleep(1000);
	}
	assert_true((double)(clock_now() - began) / 1e9 > USED * 3);
	if (access("/proc/self/smaps_rollup", R_OK) == 0)
		assert_true(cgroup_memory(&group) > 0);
	cgroup_remove(&group);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void eat(void)
{
	char *all =
		mmap(NULL, 96u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(all, 1, 96u << 20);
}

static void test_memory(void **state)
{
	int status;

	if (!make(CGROUP_MEMORY, 0))
		CANNOT("there is no control group with the memory controller");
	assert_false(cgroup_out_of_memory(&group));
	assert_true(waitpid(start(eat), &status, 0) > 0);
	assert_true(WIFSIGNALED(status));
	assert_true(cgroup_out_of_memory(&group));
}

static void multiply(void)
{
	for (unsigned i = 0; i < limits.processes; i++)
		if (fork() == 0)
			for (;;)
				pause();
	for (;;)
		pause();
}

static void test_pids(void **state)
{
	int status;
	pid_t pid;

	if (!make(CGROUP_PIDS, 0))
		CANNOT("there is no control group with the pids controller");
	pid = start(multiply);
	while (!cgroup_out_of_processes(&group))
		usleep(1000);
	cgroup_remove(&group);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_cpu, tear_down),
		cmocka_unit_test_teardown(test_memory, tear_down),
		cmocka_unit_test_teardown(test_pids, tear_down),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
