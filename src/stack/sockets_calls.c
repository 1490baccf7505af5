/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket calls of a stack whose sockets are the host kernel's: the system calls themselves. */
#include "stack/sockets_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

static int make(struct stack *stack, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			((struct sockets *)stack)->protocol);

	return fd < 0 ? -errno : fd;
}

static int bind_socket(struct stack *stack, int fd, const struct sockaddr *address, socklen_t size)
{
	return bind(fd, address, size) < 0 ? -errno : 0;
}

static int connect_socket(struct stack *stack, int fd, const struct sockaddr *address,
			  socklen_t size)
{
	return connect(fd, address, size) < 0 ? -errno : 0;
}

static int listen_socket(struct stack *stack, int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

static int accept_socket(struct stack *stack, int fd)
{
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return accepted < 0 ? -errno : accepted;
}

static int name(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size)
{
	return getsockname(fd, ret, size) < 0 ? -errno : 0;
}

static int peer(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size)
{
	return getpeername(fd, ret, size) < 0 ? -errno : 0;
}

static int set(struct stack *stack, int fd, int level, int option, const void *value,
	       socklen_t size)
{
	return setsockopt(fd, level, option, value, size) < 0 ? -errno : 0;
}

static int get(struct stack *stack, int fd, int level, int option, void *ret, socklen_t *size)
{
	return getsockopt(fd, level, option, ret, size) < 0 ? -errno : 0;
}

static int shutdown_socket(struct stack *stack, int fd, int how)
{
	return shutdown(fd, how) < 0 ? -errno : 0;
}

static int unsent(struct stack *stack, int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? -errno : bytes;
}

const struct stack_calls sockets_calls = {
	.make = make,
	.bind = bind_socket,
	.connect = connect_socket,
	.listen = listen_socket,
	.accept = accept_socket,
	.name = name,
	.peer = peer,
	.set = set,
	.get = get,
	.shutdown = shutdown_socket,
	.unsent = unsent,
};
