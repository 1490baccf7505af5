// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host_user.h"

long host_readv(int fd, const void *iov, int count)
{
	long n;

	do
		n = readv(fd, iov, count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

long host_writev(int fd, const void *iov, int count)
{
	long n;

	do
		n = writev(fd, iov, count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int host_poll(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT};

	return poll(&poll_fd, 1, 0) < 0 ? 0 : poll_fd.revents;
}

void host_close(int fd)
{
	close(fd);
}
