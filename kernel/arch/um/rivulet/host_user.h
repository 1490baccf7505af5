/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is asked of the host: calls on descriptors that this process was started with. None blocks; each returns what the
 * system call does, or a negative errno of the host, which are the guest's too. A struct iovec is the same on both sides.
 */
#pragma once

long host_readv(int fd, const void *iov, int count);
long host_writev(int fd, const void *iov, int count);
/* POLLIN, POLLOUT, ... that are true now. */
int host_poll(int fd);
void host_close(int fd);
/* A descriptor that was sent over the socket @fd, and the @size bytes with it. -EAGAIN: none was; -EPROTO: something else. */
int host_take(int fd, void *data, unsigned int size);
