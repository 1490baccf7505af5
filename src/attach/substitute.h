/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachment "substitute": the TCP sockets that a program asks for are answered with MPTCP sockets
 * of the same kernel. From then on nothing stands between the program and the kernel.
 *
 * The supervisor trusts nothing of the program: the arguments that decide are the copies that the
 * kernel made of them, and what it gives away is a socket that the program could have made itself.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct substitute;

/* What became of one asking call. */
struct substituted {
	pid_t pid;      /* thread that asked */
	uint32_t inode; /* of the socket that it got; 0: a plain one of its own making */
	int error;      /* why it is a plain one: negative errno, 0 if not */
};

/* @listener is that of filter_load(); it stays the caller's. */
int substitute_new(int listener, struct substitute **ret, struct err *err);
void substitute_free(struct substitute *substitute);

/* Answers one waiting call and says what happened in @ret. 1: done; 0: there was none after all
 * (the asking thread is gone or was interrupted); negative errno: the listener is unusable. Blocks
 * if nobody asks: poll the listener for POLLIN first; POLLHUP means that no process is under the
 * filter any more. */
int substitute_serve(struct substitute *substitute, struct substituted *ret);

/* The same, but every call goes on as if there were no filter. */
int substitute_let_go(struct substitute *substitute);
