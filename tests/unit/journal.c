/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run has made on a host is taken back whenever its processes die, and never what a living one stands on. The network stack
 * is a table of ours here. */
#include "run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

/* What all processes of the test see: is the change with this number in the stack? */
static struct {
	bool is[8];
	bool dies; /* whoever takes something back is killed before it has */
	int error; /* of taking back */
	unsigned limit;
	unsigned made; /* of routes, which no test looks at one by one */
} * stack;

int change_apply(struct netstack *netstack, const struct change *change)
{
	if (change->kind == CHANGE_ROUTE) {
		stack->made++;
		return 0;
	}
	if (change->kind == CHANGE_LIMITS) {
		stack->limit = change->limits.now.subflows;
		return 0;
	}
	if (stack->is[change->forwarding.index])
		return 1;
	stack->is[change->forwarding.index] = true;
	return 0;
}

int change_undo(struct netstack *netstack, const struct change *change)
{
	if (stack->dies)
		raise(SIGKILL);
	if (stack->error)
		return stack->error;
	if (change->kind == CHANGE_ROUTE) {
		stack->made--;
		return 0;
	}
	if (change->kind == CHANGE_LIMITS) {
		stack->limit = change->limits.was.subflows;
		return 0;
	}
	stack->is[change->forwarding.index] = false;
	return 0;
}

bool change_equal(const struct change *a, const struct change *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CHANGE_ROUTE)
		return a->route.table == b->route.table;
	if (a->kind == CHANGE_LIMITS)
		return a->limits.now.subflows == b->limits.now.subflows;
	return a->forwarding.index == b->forwarding.index;
}

bool change_may_vanish(const struct change *change)
{
	return change->kind == CHANGE_FORWARDING && change->forwarding.index == 7;
}

bool change_rivals(const struct change *a, const struct change *b)
{
	return a->kind == CHANGE_LIMITS && b->kind == CHANGE_LIMITS && !change_equal(a, b);
}

bool change_prevails(const struct change *a, const struct change *b)
{
	return a->limits.now.subflows > b->limits.now.subflows;
}

bool change_is_mild(const struct change *was, const struct change *now)
{
	return false;
}

int change_replace(struct netstack *netstack, const struct change *was, const struct change *now)
{
	return change_apply(netstack, now);
}

static void pass_over(const struct change *change, int result, void *data)
{
}

static struct change change(unsigned number)
{
	return (struct change){.kind = CHANGE_FORWARDING, .forwarding = {.index = number}};
}

static struct journal *begin(void)
{
	struct journal *journal;
	struct err err;

	if (journal_open(&journal, JOURNAL_SHARED, &err) < 0)
		return NULL;
	return journal;
}

static void want(struct journal *journal, const struct change *wanted, unsigned count)
{
	journal_follow(journal, NULL, wanted, count, pass_over, NULL);
}

/* Another run, which holds change 1 until it is killed. */
static pid_t start_other(void)
{
	const struct change held = change(1);
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct journal *journal = begin();

		if (!journal)
			_exit(1);
		want(journal, &held, 1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(struct journal *journal)
{
	journal_release(journal, NULL, NULL, NULL);
	journal_close(journal);
}

/* Else a route, or an endpoint over which strangers' connections are joined, would stay for ever. */
static void killed_while_it_takes_back(void **state)
{
	struct journal *journal;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const struct change held = change(2);

		journal = begin();
		want(journal, &held, 1);
		stack->dies = true;
		want(journal, NULL, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_true(stack->is[2]);
	stack->dies = false;
	journal = begin();
	assert_non_null(journal);
	want(journal, NULL, 0);
	assert_false(stack->is[2]);
	end(journal);
}

/* The same: what memory lacks for now is tried again. */
static void short_of_memory(void **state)
{
	const struct change held = change(5);
	struct journal *journal = begin();

	assert_non_null(journal);
	want(journal, &held, 1);
	stack->error = -ENOBUFS;
	want(journal, NULL, 0);
	assert_int_equal(journal_release(journal, NULL, NULL, NULL), 1);
	stack->error = 0;
	assert_int_equal(journal_release(journal, NULL, NULL, NULL), 0);
	assert_false(stack->is[5]);
	journal_close(journal);
}

/* Nor is tried for ever what nobody may do. */
static void not_allowed_any_more(void **state)
{
	const struct change held = change(6);
	struct journal *journal = begin();

	assert_non_null(journal);
	want(journal, &held, 1);
	stack->error = -EPERM;
	assert_int_equal(journal_release(journal, NULL, NULL, NULL), 0);
	stack->error = 0;
	journal_close(journal);
}

/* Else who starts a run with few descriptors would take the links from under those of others. */
static void no_descriptor_left(void **state)
{
	pid_t other = start_other();
	struct journal *journal = begin();
	struct rlimit before, none;
	int lowest = dup(0);

	assert_non_null(journal);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	want(journal, NULL, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(stack->is[1]);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	want(journal, NULL, 0);
	assert_false(stack->is[1]);
	end(journal);
}

/* Nor is a run taken for dead that had none left when it began. */
static void no_descriptor_at_first(void **state)
{
	const struct change held = change(3);
	struct journal *journal = begin(), *other;
	struct rlimit before, none;
	int lowest = dup(0);

	assert_non_null(journal);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	journal_keep(journal, JOURNAL_SERVER);
	setrlimit(RLIMIT_NOFILE, &before);
	want(journal, &held, 1);
	other = begin();
	assert_non_null(other);
	want(other, NULL, 0);
	assert_true(stack->is[3]);
	end(journal);
	assert_false(stack->is[3]);
	end(other);
}

/* A full disk ends nobody: then the journal is in memory. */
static void full_disk(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const struct change held = change(4);
		struct journal *journal;

		if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", "/tmp", "tmpfs", 0, "size=4k") < 0)
			_exit(77);
		setenv("RIVULET_STATE", "/tmp/full", 1);
		journal = begin();
		if (!journal)
			_exit(1);
		want(journal, &held, 1);
		want(journal, NULL, 0);
		_exit(stack->is[4] ? 2 : 0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		CANNOT("there is no user namespace with a file system of its own");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct change limit(unsigned subflows)
{
	return (struct change){.kind = CHANGE_LIMITS,
			       .limits = {.was = {.subflows = 2}, .now = {.subflows = subflows}}};
}

/* Else the first of two runs to end would take subflows from the other one, or the last to begin. */
static void limits_are_those_of_who_needs_most(void **state)
{
	const struct change fewer = limit(3), more = limit(4), most = limit(5);

	for (unsigned first = 0; first < 2; first++) {
		struct journal *a = begin(), *b = begin();

		assert_true(a && b);
		want(first ? b : a, first ? &fewer : &more, 1);
		want(first ? a : b, first ? &more : &fewer, 1);
		assert_int_equal(stack->limit, 4);
		want(b, &most, 1);
		assert_int_equal(stack->limit, 5);
		want(b, &fewer, 1);
		assert_int_equal(stack->limit, 4);
		end(first ? a : b);
		assert_int_equal(stack->limit, first ? 3 : 4);
		end(first ? b : a);
		assert_int_equal(stack->limit, 2);
	}
}

static int last_result;

static void keep_result(const struct change *change, int result, void *data)
{
	last_result = result;
}

/* Else something that nobody knows of would stay for ever. */
static void nothing_is_made_that_is_not_written_down(void **state)
{
	struct change all[600];
	struct journal *journal = begin();
	unsigned written;

	assert_non_null(journal);
	for (unsigned i = 0; i < 600; i++)
		all[i] = (struct change){.kind = CHANGE_ROUTE, .route = {.table = i}};
	assert_int_equal(journal_follow(journal, NULL, all, 600, keep_result, NULL), -ENOSPC);
	assert_int_equal(last_result, -ENOSPC);
	journal_changes(journal, &written);
	assert_int_equal(written, 512);
	assert_int_equal(stack->made, 512);
	end(journal);
	assert_int_equal(stack->made, 0);
}

static int make_folder(void **state)
{
	static char folder[] = "/tmp/unit-journal-XXXXXX";

	stack = mmap(NULL, sizeof(*stack), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (stack == MAP_FAILED || !mkdtemp(folder))
		return -1;
	*state = folder;
	return setenv("RIVULET_STATE", folder, 1);
}

/* The last run removes it. */
static int find_nothing(void **state)
{
	return access(*state, F_OK) < 0 ? 0 : -1;
}

/* Else a link that was off for a moment would carry nothing any more. */
static void taken_back_by_the_kernel(void **state)
{
	const struct change held[] = {change(4), change(7)};
	struct journal *journal = begin();

	assert_non_null(journal);
	want(journal, held, 2);
	stack->is[4] = stack->is[7] = false;
	want(journal, held, 2);
	journal_renew(journal, NULL, pass_over, NULL);
	assert_true(stack->is[7]);
	assert_false(stack->is[4]); /* what somebody else took back deliberately */
	end(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_it_takes_back),
		cmocka_unit_test(short_of_memory),
		cmocka_unit_test(not_allowed_any_more),
		cmocka_unit_test(no_descriptor_left),
		cmocka_unit_test(no_descriptor_at_first),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(taken_back_by_the_kernel),
		cmocka_unit_test(limits_are_those_of_who_needs_most),
		cmocka_unit_test(nothing_is_made_that_is_not_written_down),
	};

	return cannot_end(cmocka_run_group_tests(tests, make_folder, find_nothing));
}
