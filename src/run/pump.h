/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that moves bytes from one descriptor to another, blocking as they do: what holds one stream up holds up no other. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct pump {
	pthread_t thread;
	bool started;
	int from, to; /* owned */
	int error; /* why what came could not be written, a negative errno; 0: it was, or nobody reads it any more */
};

/* Takes over both descriptors, and closes them when @from has ended or nobody reads @to any more. SIGPIPE has to be blocked or
 * ignored. Negative errno: nothing was started or closed. @pump has to stay where it is. */
int pump_start(struct pump *pump, int from, int to);
/* Waits until all that @from has brought is moved; at most @ms, if that is not negative. False: it is not. */
bool pump_wait(struct pump *pump, int ms);
