/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* Were we started to ignore it, as by nohup(1)? Then it does not ask us to end. signalfd(2) and sigwaitinfo(2) have it all the
 * same, for what is blocked is not ignored. */
static inline bool signal_is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Adds to @set what asks a process to end that runs until it is asked: Ctrl-C, kill(1), a terminal that is gone; but for what is ignored. */
static inline void signals_add_ends(sigset_t *set)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!signal_is_ignored(ends[i]))
			sigaddset(set, ends[i]);
}
