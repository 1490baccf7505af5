/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MPTCP socket that a program gets for a TCP one that it asked for. */
#pragma once

#include "attach/caller.h"
#include "attach/notify.h"

#include <stdbool.h>
#include <stdint.h>

struct stand_in {
	int domain, type, protocol; /* that were asked for */
};

/* Is it a call of socket() that is to be answered so? What was decoded was read once: what the program changes meanwhile does
 * not matter. */
bool stand_in_wanted(const struct seccomp_notif *request, struct stand_in *ret);

/* The socket, the caller's, or a negative errno. @ret_inode: 0 if it cannot be told. */
int stand_in_make(const struct home *home, const struct seccomp_notif *request,
		  const struct stand_in *wanted, uint32_t *ret_inode);

/* Answers the question that was last received with a duplicate of @fd; with an error, or by letting the call go on, where that
 * cannot be. 0, -ENOENT (nobody waits any more), or why not. */
int stand_in_give(struct notify *notify, int fd, const struct stand_in *wanted);
