/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors passed between processes over an AF_UNIX socket. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Sends a copy of @fd, which stays the caller's. 0 or a negative errno. */
int fds_send(int socket, int fd);
/* The same, in one message with the @size > 0 bytes at @data. */
int fds_send_with(int socket, int fd, const void *data, size_t size);
/* The same, of the @count in @fds, which may be none. */
#define FDS_MAX 8
int fds_send_all(int socket, const int *fds, unsigned count, const void *data, size_t size);

/* The descriptor that was sent, close-on-exec, now the caller's; blocks. -EPIPE: the other end is
 * gone. */
int fds_receive(int socket);
/* The same of one that may have come with a message of up to @size bytes, as recv(@flags) takes it: *@ret_fd -1: none has. The size
 * of the message, 0 at the end, or a negative errno. */
ssize_t fds_receive_with(int socket, void *data, size_t size, int flags, int *ret_fd);
/* The same of up to *@count, then so many as have come. Fewer than were sent: we may have no more. */
ssize_t fds_receive_all(int socket, void *data, size_t size, int flags, int *ret_fds,
			unsigned *count);

/* A descriptor that polls readable when process @pid (a child's, or one that is pinned otherwise)
 * ends. */
int fds_watch_process(int pid);

/* A standard descriptor that this process was started without would become the next file's or socket's, and what is printed would
 * go there. So each is held by one that cannot be read or written, and that programs started from here do not get. */
void fds_hold_standard(void);

/* This process may have as many descriptors as it may allow itself; who started it may have needed few. How many that are. */
unsigned fds_raise_limit(void);
/* The same. How many users of @each descriptors there is room for beside @spare: @wanted, or fewer, but one at least. */
unsigned fds_room(unsigned wanted, unsigned each, unsigned spare);
/* The same. -EMFILE, with words: they are fewer than @least. */
int fds_need(unsigned least, struct err *err);

/* Closes every descriptor above standard error but the @count in @keep. For a process that was
 * forked without exec and must hold nothing of its parent's or its caller's. */
void fds_close_but(const int *keep, unsigned count);
