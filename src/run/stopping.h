/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The foreground stops when the program has stopped, so that a shell takes its terminal back, and goes on with it. Who lets the whole job
 * go on (fg, bg, `kill -CONT -GROUP`, SIGCONT for the foreground) wakes us. Who knows the program alone (cpulimit, a monitor of the
 * program's own) does not, and nothing else would: its parent, who is told when a child goes on, has stopped. So while it has, a process
 * looks now and then how the program is.
 */
#pragma once

#include <sys/types.h>

/* Stops the calling process, whose signals are blocked, until somebody lets it or @program go on. What process has sent us SIGCONT for the
 * latter: it is not meant for the program. */
pid_t stop_with(pid_t program);
