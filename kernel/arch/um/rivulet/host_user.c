// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
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

int host_take(int fd, void *data, unsigned int size)
{
	struct iovec iov = {data, size};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int taken;

	if (n < 0)
		return -errno;
	if (n != size || !head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&taken, CMSG_DATA(head), sizeof(taken));
	return taken;
}
