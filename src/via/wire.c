/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/wire.h"

#include "base/cleanup.h"

#include <string.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int wire_send(int socket, const void *message, size_t size, int fd)
{
	struct iovec part = {(void *)message, size};
	union control control = {0};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS,
						  .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int wire_receive(int socket, void *ret, size_t size, int *ret_fd)
{
	struct iovec part = {ret, size};
	union control control = {0};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	const struct cmsghdr *with;
	ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	with = CMSG_FIRSTHDR(&header);
	if (with && with->cmsg_type == SCM_RIGHTS && with->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(with), sizeof(int));
	if (got == (ssize_t)size)
		return 0;
	*ret_fd = close_fd(*ret_fd);
	return got == 0 ? -EPIPE : -EPROTO;
}
