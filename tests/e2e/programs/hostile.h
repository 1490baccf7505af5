/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#define LEAKED 9 /* the exit code that says so */

/* Ends the process with LEAKED, and says why. */
void fail(const char *what, const char *which);
/* Fails where this process holds what is not of its own making. @supervisor: the relay's; 0: it is not a relay's. */
void look_around(pid_t supervisor);
/* Fails where a call writes behind what it was told that there is. */
void check_bounds(void);
