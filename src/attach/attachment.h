/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a program gets its connections made on a stack: the one table of operations. An attachment is a row here and a file of
 * its own; the supervisor and the watcher do not ask which one it is.
 *
 * The program's process loads it before it becomes the program; what comes of that, the listener, is handed to the supervisor
 * and the watcher. It polls POLLIN while the program asks for something, and POLLHUP when no process is attached any more.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Every kind of attachment begins with this. */
struct attachment {
	const struct attachment_ops *ops;
};

/* What became of what the program asked for. */
struct attached {
	uint32_t
		inode; /* of the socket that it has now; 0: a plain one of its own making, or none */
	int error;     /* why it is a plain one: negative errno, 0 if not */
};

/* A negative errno is a failure, with words where there is a struct err. */
struct attachment_ops {
	const char *name;
	/* In the program's process. Returns the listener, the caller's. What the program itself needs to ask is in
	 * @ret_own, the caller's, too; -1 if nothing. */
	int (*load)(int *ret_own, struct err *err);
	/* @listener stays the caller's. The caller closes with close(). */
	int (*open)(int listener, struct attachment **ret, struct err *err);
	/* Answers one question. 1: what happened is in @ret; 0: nothing that matters; negative: the listener is
	 * unusable. May block if nobody asks. */
	int (*serve)(struct attachment *attachment, struct attached *ret);
	/* The same, but as if there were no supervisor. */
	int (*let_go)(struct attachment *attachment);
	void (*close)(struct attachment *attachment);
};

extern const struct attachment_ops
	attachment_substitute; /* MPTCP sockets for TCP ones: substitute.c */
extern const struct attachment_ops
	attachment_announce; /* what makes its own connections: announce.c */

/* Is any process still attached? */
bool attachment_in_use(int listener);
