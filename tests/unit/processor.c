/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost if wrong: what the kernel does for a device when none of its programs runs, which would look free, or be paid twice. */
#include "assess/processor.h"

#include <math.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static const struct processor from = {.now = 100, .idle = 50, .tasks = 40, .interrupts = 3};

static void outside_of_tasks(void **state)
{
	/* Softirqs that the kernel saw at its ticks may have been inside of tasks: they are not added. */
	const struct processor to = {.now = 110, .idle = 55, .tasks = 44, .interrupts = 6};

	NEAR(processor_of_nobody(&from, &to), 1);
}

static void not_exact(void **state)
{
	const struct processor to = {.now = 110, .idle = 60.01, .tasks = 40, .interrupts = 3};

	NEAR(processor_of_nobody(&from, &to), 0);
}

static void kept_apart(void **state)
{
	struct processor apart = from, to = {.now = 110, .idle = 55, .tasks = 44, .interrupts = 5};

	apart.apart = to.apart = true;
	NEAR(processor_of_nobody(&apart, &to), 2);
	/* Then nobody has to say what tasks took. */
	apart.tasks = to.tasks = -1;
	NEAR(processor_of_nobody(&apart, &to), 2);
}

static void nobody_says(void **state)
{
	const struct processor to = {.now = 110, .idle = 55, .tasks = -1};

	assert_true(processor_of_nobody(&from, &to) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_of_tasks),
		cmocka_unit_test(not_exact),
		cmocka_unit_test(kept_apart),
		cmocka_unit_test(nobody_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
