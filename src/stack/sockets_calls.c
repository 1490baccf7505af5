/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket calls of a stack whose sockets are the host kernel's: the system calls themselves. */
#include "base/clock.h"
#include "base/shared.h"
#include "stack/sockets_parts.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

static int make_socket(int family, int protocol)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

static int make(struct stack *stack, int family)
{
	return make_socket(family, ((struct sockets *)stack)->protocol);
}

static int make_to(struct stack *stack, const struct sockaddr *to)
{
	struct sockets *sockets = (struct sockets *)stack;
	bool plain;

	shared_lock(&sockets->lock);
	plain = plain_is(&sockets->plain, to, clock_now());
	pthread_mutex_unlock(&sockets->lock);
	return make_socket(to->sa_family, plain ? IPPROTO_TCP : sockets->protocol);
}

/* One whose first packet was lost has not: that is sent again without MPTCP's options, and says nothing of the peer. */
static bool was_refused_mptcp(int fd)
{
	struct mptcp_info multipath;
	struct tcp_info info = {0};
	socklen_t size = sizeof(multipath), info_size = sizeof(info);

	/* Of an MPTCP socket that has fallen back a kernel answers but the second (sockets_status.c). */
	return getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &multipath, &size) < 0 &&
	       getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0 &&
	       info.tcpi_total_retrans == 0;
}

static void connected(struct stack *stack, int fd, const struct sockaddr *to)
{
	struct sockets *sockets = (struct sockets *)stack;
	int protocol = IPPROTO_TCP;
	socklen_t size = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0 ||
	    protocol == IPPROTO_TCP || !was_refused_mptcp(fd))
		return;
	shared_lock(&sockets->lock);
	plain_note(&sockets->plain, to, clock_now());
	pthread_mutex_unlock(&sockets->lock);
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
	.make_to = make_to,
	.connected = connected,
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
