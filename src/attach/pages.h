/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes on their way between two sockets as the pages that they came in (splice(2)): nothing is copied. They lie in a pipe
 * meanwhile. A pipe is had only while something is in it; some that became empty are kept for who needs one next.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct pages {
	int pipe[2]; /* owned while there are bytes */
	size_t bytes;
};

/* Takes what @from has, some hundred kilobytes at most: how many; 0: it has ended; -EAGAIN: nothing now; -EINVAL: that cannot be
 * done with such a descriptor; or it is lost. There must be no bytes. */
ssize_t pages_take(struct pages *pages, int from);
/* Gives to @to what it takes: how many; 0: none now; negative errno: it is lost. The process must ignore SIGPIPE. */
ssize_t pages_give(struct pages *pages, int to);
void pages_drop(struct pages *pages);
