/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting programs in a host of the lab, and how they find the other hosts: through the variable
 * RIVULET_LAB, a list "HOST=PATH HOST=PATH..." of network namespaces.
 */
#pragma once

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SPAWN_LAB  "RIVULET_LAB"      /* the hosts */
#define SPAWN_HOST "RIVULET_LAB_HOST" /* the one that the program is in */

/* All borrowed. */
struct spawn {
	int ns;           /* network namespace of the host */
	const char *host; /* its name */
	const char *lab;  /* value of SPAWN_LAB */
	char *const *argv;
	const sigset_t *mask; /* signals that the program blocks */
	const struct rlimit *open_files;
	int input, output; /* standard input; standard output and error; -1: as ours */
	bool group;        /* in a process group of its own, away from the terminal's signals */
};

/* The program's process id once it was executed. -ENOENT, -EACCES, ... where it could not be; -ECHILD: there was no process to try
 * it in. */
pid_t spawn(const struct spawn *what, struct err *err);

/* Makes the calling process one of a host: its network namespace, /sys and environment. */
int spawn_enter(int ns, const char *host, const char *lab, struct err *err);

/* Opens the namespace of @host as the value @lab of SPAWN_LAB has it; -ENOENT: no such host. */
int spawn_find(const char *lab, const char *host, struct err *err);

/* What a shell makes of a failure to execute: 127 for not found, 126 for anything else; and 125 for -ECHILD, which is the lab's. */
int spawn_exit_code(int code);
