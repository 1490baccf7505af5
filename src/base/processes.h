/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does /proc name processes by the numbers that they have for us? In a PID namespace of one's own, where nobody has mounted it anew, it
 * shows others by the same numbers. */
#pragma once

#include <stdbool.h>

bool processes_are_ours(void);
/* What a person is told where it does not. */
extern const char processes_advice[];
