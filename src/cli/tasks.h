/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `submit --wait` shares with `tasks`. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

/* Waits until all tasks of a group are over, prints what they wrote, or all of them as JSON. What the program ends with: 0, or the
 * exit status of the first that has another. */
int tasks_wait(const char *state, const char *group, bool json, bool quiet, struct err *err);
