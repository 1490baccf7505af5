/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The near side of a relayed socket: the AF_UNIX stream socket that a program holds in the place of a TCP socket, and how it is
 * made to look like one. Whatever is done is done to the program's open file description, by a duplicate of its descriptor, so
 * that it holds for all who share it, and for what they wait on (epoll).
 *
 * Both sides meet in a folder that only the user can enter, and each makes sure that it was this process who connected
 * (SO_PEERCRED): others are turned away.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

struct near {
	char folder[96]; /* made, and removed by near_close() */
	int lock;        /* owned; as long as it is held the folder is in use */
	int listener;    /* owned; where programs' sockets are connected to us */
	int door;        /* owned; the only way to it, for its name is removed at once */
	struct sockaddr_un
		meeting; /* and its name: nobody else can fill its queue, so that who connects there never waits */
	pid_t self;
	int diag;       /* owned; -1: cannot be had */
	unsigned named; /* sockets that listened so far */
};

/* In the folder @parent, which exists. */
int near_open(struct near *near, const char *parent);
void near_close(struct near *near);
/* Removes from @parent what processes that were killed have left. */
void near_clean(const char *parent);

/* A socket for a program. */
int near_make(bool nonblocking);
/* Connects @theirs: our end, the caller's, which does not block. */
int near_join(struct near *near, int theirs);

/* Makes @theirs, which is connected to @ours, look as if it was still connecting: it polls neither readable nor writable.
 * What is to be told to near_resume(). */
struct near_hold {
	size_t bytes;
	int room;
};
struct near_hold near_hold(int theirs);
void near_resume(int theirs, int ours, const struct near_hold *hold);

/* Makes @theirs listen: a number of its own for it, or a negative errno. */
int near_listen(struct near *near, int theirs, int backlog);
/* Connects to it: our end, which does not block. -EAGAIN: its queue is full; -ECONNREFUSED: nobody holds it any more. */
int near_call(struct near *near, unsigned number);
/* What near_call() connected, in that order, from its queue: it may become the program's. -EAGAIN: none. */
int near_accept(struct near *near, int theirs, bool nonblocking);
/* Nobody calls it any more. */
void near_forget(struct near *near, unsigned number);

/* Sees to it that whoever holds @theirs finds it reset, and not ended, when our end is closed. */
void near_spoil(int theirs);

/* Does anybody still hold the socket of this inode and cookie? */
bool near_is_held(struct near *near, uint32_t inode, uint64_t cookie);
