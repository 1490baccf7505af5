/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor and the watcher of a run (run.h says what they are for). */
#pragma once

#include "run/run.h"

#include <sys/types.h>

/* What the supervisor tells the foreground over the control socket, a byte each, and is told. */
enum {
	SUPERVISOR_READY = 'R', /* the links are set up: start the program */
	SUPERVISOR_TAKEN =
		'T', /* they are set up for other wishes; the reason follows in the same message */
	SUPERVISOR_ENDED = 'E', /* (to the supervisor) the program has ended: say the summary */
	SUPERVISOR_FAILED =
		'F', /* (to the supervisor) it could not be started: there is nothing to say */
	SUPERVISOR_DONE = 'D', /* summary said and all taken back; the socket's end follows */
	SUPERVISOR_STAYS = 'S' /* there is no more to wait for, though processes of the run go on */
};

/* What it has open itself, and polls, without the program's sockets. */
#define SUPERVISOR_FDS 64

struct supervisor {
	const struct run_options *options;
	pid_t foreground;
	int control; /* SOCK_SEQPACKET to the foreground */
	int handoff; /* where the program's listener comes from */
	int watch;   /* where the watcher's copy of it comes from */
	int net;     /* to rivulet-net */
};

/* Each is the whole life of a process that was forked for it and returns its exit code. The watcher
 * starts the supervisor as its child. */
int watcher_main(const struct supervisor *setup);
int supervisor_main(const struct supervisor *setup);
/* The same, where the stack does not use the host's links. */
int relaying_main(const struct supervisor *setup);

/* Sends one byte; a foreground that is gone is no error. */
void supervisor_say(int control, char what);
