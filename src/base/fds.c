/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int fds_send(int socket, int fd)
{
	return fds_send_with(socket, fd, &(char){0}, 1);
}

int fds_send_with(int socket, int fd, const void *data, size_t size)
{
	return fds_send_all(socket, &fd, 1, data, size);
}

int fds_send_all(int socket, const int *fds, unsigned count, const void *data, size_t size)
{
	struct iovec iov = {(void *)data, size};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	if (count > FDS_MAX)
		return -EINVAL;
	if (count > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	do
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

ssize_t fds_receive_with(int socket, void *data, size_t size, int flags, int *ret_fd)
{
	unsigned count = 1;
	ssize_t got = fds_receive_all(socket, data, size, flags, ret_fd, &count);

	if (count == 0)
		*ret_fd = -1;
	return got;
}

ssize_t fds_receive_all(int socket, void *data, size_t size, int flags, int *ret_fds,
			unsigned *count)
{
	unsigned most = *count < FDS_MAX ? *count : FDS_MAX;
	struct iovec iov = {data, size};
	union control control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     /* Without what it would be filled up with, where more fit. */
			     .msg_controllen = CMSG_LEN(most * sizeof(int))};
	const struct cmsghdr *cmsg;
	ssize_t got;

	*count = 0;
	do
		got = recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS) {
		*count = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(ret_fds, CMSG_DATA(cmsg), *count * sizeof(int));
	}
	return got;
}

int fds_receive(int socket)
{
	char byte;
	int fd;
	ssize_t got = fds_receive_with(socket, &byte, sizeof(byte), 0, &fd);

	if (got < 0)
		return (int)got;
	return fd < 0 ? -EPIPE : fd;
}

void fds_hold_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

unsigned fds_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < UINT_MAX ? (unsigned)limit.rlim_cur : UINT_MAX;
}

unsigned fds_room(unsigned wanted, unsigned each, unsigned spare)
{
	unsigned all = fds_raise_limit(), most = all > spare ? (all - spare) / each : 0;

	return wanted < most ? wanted : most > 0 ? most : 1;
}

int fds_need(unsigned least, struct err *err)
{
	unsigned most = fds_raise_limit();

	return most < least
		       ? err_set(err, -EMFILE,
				 "%u descriptors are needed, and no more than %u are allowed here: "
				 "`ulimit -Hn %u`",
				 least, most, least)
		       : 0;
}

static bool is_kept(int fd, const int *keep, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

void fds_close_but(const int *keep, unsigned count)
{
	int last = STDERR_FILENO;

	for (unsigned i = 0; i < count; i++)
		if (keep[i] > last)
			last = keep[i];
	for (int fd = STDERR_FILENO + 1; fd <= last; fd++)
		if (!is_kept(fd, keep, count))
			close(fd);
	close_range((unsigned)last + 1, ~0U, 0);
}

int fds_watch_process(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}
