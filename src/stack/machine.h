/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack that programs have to be run inside: a kernel that is a process of the host, with the host's files as its own. This
 * is how such a process is started; what is said to it, and by whom, is run/guest.h.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_PIPES_MAX 8

/* All descriptors are inherited by the process. Borrowed for the call. */
struct machine_setup {
	uint64_t memory; /* bytes */
	const char
		*folder;  /* that is the user's alone, for files that live as long as the process */
	const char *init; /* the program that is started first inside, and its one argument */
	const char *argument;
	int ports; /* a socket that ports (link/port.h) are sent over, each with its hardware address: port0, port1, ... */
	int pipes[MACHINE_PIPES_MAX]; /* both ways: /dev/host0, /dev/host1, ... */
	unsigned pipe_count;
	bool verbose; /* does the kernel say more than what goes wrong? */
};

struct stack_machine {
	uint64_t memory,
		memory_min; /* bytes: what it gets unless told; what it cannot start without */
	/* Becomes the machine. Its standard output and error are the kernel's words. Comes back only if it cannot. */
	int (*become)(const struct machine_setup *setup, struct err *err);
};
