/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program on the best stack that the device has. These processes stand around it:
 *
 *   foreground  is what the caller started: starts the program as its child, hands signals on,
 * stops and ends as the program does. It holds neither its standard input nor its output.
 *   supervisor  answers the program's asking calls, keeps the ledger and decides what links are good for, until the last
 * process under the filter is gone. In a session of its own: no key pressed reaches it, and it outlives the foreground if
 * the program left daemons.
 *   watcher     starts the supervisor and does nothing while it lives. If it dies, the watcher lets every asking call go
 * on, so that the program lives on with plain TCP.
 *   rivulet-net sets up the links and takes that back, with the right to do so that none of the others has (net.h).
 *
 * The supervisor takes the foreground's death (of SIGKILL) as its own end, and leaves the rest to the watcher.
 */
#pragma once

#include "attach/attachment.h"
#include "base/err.h"
#include "link/policy.h"
#include "link/port.h"
#include "via/via.h"

#include <stdbool.h>

/* Code of ours in the place of a program: it is run in the program's process. */
struct run_service {
	const struct attachment_ops *attachment;
	/* Begins; @own is what the attachment gives its program. Negative errno: it cannot. */
	int (*open)(int own, void *data, struct err *err);
	/* Serves until it is told to end by a signal; the exit code. */
	int (*serve)(void *data);
	/* In the foreground and in the watcher, when that process has ended, however it did. */
	void (*clean)(void *data);
	void *data;
};

struct run_options {
	char *const *argv;                 /* the program and its arguments, NULL at the end */
	const struct run_service *service; /* NULL: argv is executed; else it only says what runs */
	bool explain;                      /* say what was decided and why */
	bool dry_run;                      /* say it, and start nothing */
	bool json;                         /* the summary as JSON */
	bool as_root;                  /* under sudo too: else the program is the calling user's */
	bool quiet;                    /* no summary, no notes */
	bool verbose;                  /* show what a kernel says that the program runs inside */
	uint64_t memory;               /* bytes, of such a kernel; 0: the stack's default */
	enum port_kind ports;          /* how such a stack gets at the links (link/port.h) */
	const struct stack_ops *stack; /* NULL: that of the host's kernel */
	bool ends_all;                 /* what the program has started ends with it (guest.h) */
	bool named;                    /* @stack is the user's word: no other will do */
	const struct policy *policy;   /* what the links are for; NULL: no wishes */
	struct via_options
		*via; /* by a relay, what does not speak MPTCP, on the same stack; NULL: no relay */
	const char *report; /* file for the summary as JSON; NULL: none */
	int known; /* what tells, in NetworkManager's place, what it knows: a struct policy each time; 0: nothing does */
};

/* Exit codes of our own; all others are the program's. */
enum { RUN_FAILED = 125, RUN_NOT_EXECUTABLE = 126, RUN_NOT_FOUND = 127 };

static inline const struct stack_ops *run_stack(const struct run_options *options)
{
	return options->stack ? options->stack : &stack_native;
}

/* How the program is attached. */
static inline const struct attachment_ops *run_attachment(const struct run_options *options)
{
	return options->service ? options->service->attachment : attachment_of(run_stack(options));
}

/* Runs the program to its end, on another stack where the host's links are set up for other wishes (elsewhere.h), and returns
 * the exit code to end with. If a signal killed it, that
 * signal kills the calling process too. On failure of our own: RUN_FAILED, ... with the words in
 * @err. */
int run_program(const struct run_options *options, struct err *err);
