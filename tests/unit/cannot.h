/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests that not every machine can run: after <cmocka.h>. One that is skipped in silence seems to have passed. */
#pragma once

#include <stdio.h>

static const char *cannot_why;

/* Ends the test that calls it. @why: what the machine lacks; static. */
#define CANNOT(why)                 \
	do {                        \
		cannot_why = (why); \
		skip();             \
	} while (0)

/* The exit code of a program whose @failed tests failed: 77 if none did, but one could not be run; then the reason is its last
 * line. */
static inline int cannot_end(int failed)
{
	if (failed || !cannot_why)
		return failed;
	fprintf(stderr, "SKIPPED: %s\n", cannot_why);
	return 77;
}
