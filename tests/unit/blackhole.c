/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost: MPTCP for an hour after a moment without a network, or what somebody has set for good reasons. */
#include "link/change.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

#define TIMEOUT_FILE "/proc/sys/net/mptcp/blackhole_timeout"

static const struct change change = {.kind = CHANGE_BLACKHOLE};
static struct netstack none;

static void set(const char *value)
{
	int fd = open(TIMEOUT_FILE, O_WRONLY | O_CLOEXEC);

	assert_true(write(fd, value, strlen(value)) > 0);
	close(fd);
}

static int timeout(void)
{
	char text[16] = "";
	int fd = open(TIMEOUT_FILE, O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (int)strtol(text, NULL, 10);
}

static void need_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0 || access(TIMEOUT_FILE, W_OK) < 0)
		CANNOT("there is no network namespace, or no net.mptcp.blackhole_timeout");
}

static void the_kernels_own_is_changed_and_put_back(void **state)
{
	need_namespace();
	assert_int_equal(timeout(), 3600);
	assert_int_equal(change_apply(&none, &change), 0);
	assert_int_equal(timeout(), 1);
	assert_int_equal(change_undo(&none, &change), 0);
	assert_int_equal(timeout(), 3600);
}

static void what_somebody_has_set_stays(void **state)
{
	static const char *const values[] = {"0", "1", "60", "7200"};

	need_namespace();
	for (unsigned i = 0; i < sizeof(values) / sizeof(*values); i++) {
		set(values[i]);
		assert_int_equal(change_apply(&none, &change), -ECANCELED);
		assert_int_equal(timeout(), strtol(values[i], NULL, 10));
	}
	/* Also if it was set while a run had it. */
	assert_int_equal(change_undo(&none, &change), 0);
	assert_int_equal(timeout(), 7200);
}

/* Another run, whose journal ours is not: it has the timeout short until it is told to end. */
static void two_without_a_common_journal(void **state)
{
	int told[2], says[2], status;
	char byte;
	pid_t other;

	need_namespace();
	assert_int_equal(pipe(told) + pipe(says), 0);
	other = fork();
	if (other == 0) {
		bool made = change_apply(&none, &change) == 0;

		if (write(says[1], "", 1) != 1 || read(told[0], &byte, 1) != 1)
			_exit(1);
		_exit(made && change_undo(&none, &change) == 0 ? 0 : 2);
	}
	assert_int_equal(read(says[0], &byte, 1), 1);
	assert_int_equal(timeout(), 1);
	assert_int_equal(change_apply(&none, &change), 0);
	assert_int_equal(write(told[1], "", 1), 1);
	waitpid(other, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(timeout(), 1);
	assert_int_equal(change_undo(&none, &change), 0);
	assert_int_equal(timeout(), 3600);
}

/* Its keeper, which has not made the change, takes it back. */
static void killed_while_it_has_it(void **state)
{
	pid_t run;

	need_namespace();
	run = fork();
	if (run == 0)
		_exit(change_apply(&none, &change));
	waitpid(run, NULL, 0);
	assert_int_equal(timeout(), 1);
	assert_int_equal(change_undo(&none, &change), 0);
	assert_int_equal(timeout(), 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernels_own_is_changed_and_put_back),
		cmocka_unit_test(what_somebody_has_set_stays),
		cmocka_unit_test(two_without_a_common_journal),
		cmocka_unit_test(killed_while_it_has_it),
	};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
