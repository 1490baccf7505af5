/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ends the calling process by the signal that a wait status tells of, without a core file: the program's is enough. Comes back
 * with the exit code otherwise. */
int end_as(int status);
