/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The near side of a relayed socket: the AF_UNIX stream socket that a program holds in the place of a TCP socket, and how it is
 * made to look like one. Whatever is done is done to the program's open file description, by a duplicate of its descriptor, so
 * that it holds for all who share it, and for what they wait on (epoll).
 *
 * Both sides meet in a folder that only the user can enter, and ours makes sure that it was this process who connected
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
	uint32_t asked; /* of it, up to now */
};

/* In the folder @parent, which exists. */
int near_open(struct near *near, const char *parent);
void near_close(struct near *near);
/* Removes from @parent what processes that were killed have left. */
void near_clean(const char *parent);

/* A socket for a program; and another one in the place of @theirs (-1: of a plain one), which waits as that does. */
int near_make(bool nonblocking);
int near_make_like(int theirs);
/* Connects @theirs: our end, the caller's, which does not block. */
int near_join(struct near *near, int theirs);
/* Two that are connected already: ours, which does not block, and a program's. */
int near_pair(int ret[static 2]);

/* Makes @theirs, which is connected, poll neither readable nor writable, as one that is connecting or listening: it has no
 * room. How many bytes it took is to be told to near_resume(); @theirs -1 where it cannot be reached any more. */
size_t near_hold(int theirs);
void near_resume(int theirs, int ours, size_t held);

/* One that is held polls readable, as a listening one that has a connection, from ring to unring. */
void near_ring(int ours);
void near_unring(int theirs);

/* Sees to it that whoever holds @theirs, or a duplicate, finds it reset, and not ended, when our end is closed. */
void near_spoil(int theirs);

/* Does anybody still hold the socket of this inode and cookie? */
bool near_is_held(struct near *near, uint32_t inode, uint64_t cookie);
