/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of stack "lkl". What belongs to the host (the loopback, its own addresses) is not to be reached from its kernel:
 * a socket that is to be connected with it, and not with a server of the same run, becomes one of the host's, plain TCP, under the
 * same descriptor.
 */
#include "base/address.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "stack/lkl_parts.h"
#include "stack/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

/* 0: there is none, for the reason in errno. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0 ? 0 : cookie;
}

/* A socket of the host's, that one of the stack has become. */
static bool is_host_fd(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX;
}

/* A socket of the stack: the descriptor. @request asks for it, and is told its cookie in @cookie, which is part of it. @listener: it
 * is one that has arrived there; -1: it is not. */
static int new_socket(struct lkl *lkl, struct lkl_request *request, void *cookie, int listener)
{
	struct lkl_answer answer;
	uint64_t number;
	int ends[2], fds[2], code;

	/* Who gets no descriptor is to hear of what has arrived still. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	number = cookie_of(ends[0]);
	memcpy(cookie, &number, sizeof(number));
	fds[0] = ends[1];
	fds[1] = listener;
	code = lkl_ask(lkl, request, LKL_REQUEST_SIZE + request->size, fds, listener < 0 ? 1 : 2,
		       &answer);
	close_fd(ends[1]);
	if (code < 0) {
		close_fd(ends[0]);
		return code;
	}
	return ends[0];
}

static int make(struct stack *stack, int family)
{
	struct lkl_request request = {.kind = LKL_MAKE, .a = family};

	return new_socket((struct lkl *)stack, &request, &request.socket, -1);
}

/* With an address; the answer's data is an address, if @ret is not NULL. */
static int ask_socket(struct stack *stack, int fd, enum lkl_kind kind, int a, const void *data,
		      socklen_t size, struct lkl_answer *ret)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {.kind = kind, .socket = cookie_of(fd), .a = a, .size = size};

	*ret = (struct lkl_answer){0};
	if (!request.socket)
		return -errno;
	if (size > LKL_DATA_MAX)
		return -EINVAL;
	if (size > 0)
		memcpy(request.data, data, size);
	return lkl_ask(lkl, &request, LKL_REQUEST_SIZE + size, NULL, 0, ret);
}

static void widen(int fd)
{
	const int much = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof(much));
}

static int get(struct stack *stack, int fd, int level, int option, void *ret, socklen_t *size)
{
	struct lkl_request request = {.kind = LKL_GET,
				      .socket = cookie_of(fd),
				      .a = level,
				      .b = option,
				      .room = *size < LKL_ANSWER_MAX ? *size : LKL_ANSWER_MAX};
	struct pollfd is = {.fd = fd, .events = POLLOUT};
	struct lkl_answer answer;
	int code;

	if (is_host_fd(fd))
		return sockets_calls.get(stack, fd, level, option, ret, size);
	if (!request.socket)
		return -errno;
	/* Those are asked with the beginning of what they are answered in. */
	if (level == SOL_MPTCP)
		request.size = request.room < LKL_DATA_MAX ? request.room : LKL_DATA_MAX;
	if (request.size > 0)
		memcpy(request.data, ret, request.size);
	code = lkl_ask((struct lkl *)stack, &request, LKL_REQUEST_SIZE + request.size, NULL, 0,
		       &answer);
	if (code < 0)
		return code;
	memcpy(ret, answer.data, answer.size < *size ? answer.size : *size);
	*size = answer.size;
	/* The program may ask before it is decided, too: then it is full still. */
	if (level == SOL_SOCKET && option == SO_ERROR && poll(&is, 1, 0) == 1 &&
	    is.revents & POLLOUT)
		widen(fd);
	return 0;
}

/* What was set up to now holds for a socket of the host's. */
static void take_options(struct lkl *lkl, int fd, int host)
{
	static const int options[][2] = {
		{SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT},  {SOL_SOCKET, SO_KEEPALIVE},
		{SOL_SOCKET, SO_LINGER},    {IPPROTO_IPV6, IPV6_V6ONLY}, {IPPROTO_TCP, TCP_NODELAY},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		uint8_t value[16];
		socklen_t size = sizeof(value);

		if (get(&lkl->stack, fd, options[i][0], options[i][1], value, &size) == 0)
			setsockopt(host, options[i][0], options[i][1], value, size);
	}
}

/* The descriptor becomes a socket of the host's. */
static int become_host(struct lkl *lkl, int fd, int family)
{
	_cleanup_close_ int host =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (host >= 0)
		take_options(lkl, fd, host);
	return host < 0 || dup3(host, fd, O_CLOEXEC) < 0 ? -errno : 0;
}

/* Both families have the port in the same place. */
static uint16_t port_of(const void *address)
{
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static bool is_listened_on(const struct lkl *lkl, uint16_t port)
{
	return lkl->listened[port / 8] & (1U << port % 8);
}

/* What comes for it is the stack's from now on, though it be none of the numbers that the stack has for connections. */
static void take_port(struct lkl *lkl, uint16_t port)
{
	if (port == 0 || !lkl->listens || is_listened_on(lkl, port))
		return;
	lkl->listened[port / 8] |= (uint8_t)(1U << port % 8);
	lkl->listens(port, lkl->data);
}

/* Has somebody else on the host what is asked for? What comes for it would be his. The host's kernel is asked, unless it was given to this run. */
static bool is_taken(struct lkl *lkl, int fd, const struct sockaddr *address, socklen_t size)
{
	_cleanup_close_ int host = -1;
	uint16_t port = size < sizeof(struct sockaddr_in) ? 0 : port_of(address);
	const int no = 0;

	if (port == 0 || port_ranges_have(&lkl->setup.ranges, port) || is_listened_on(lkl, port))
		return false;
	host = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (host < 0)
		return false;
	take_options(lkl, fd, host);
	setsockopt(host, SOL_SOCKET, SO_REUSEPORT, &no, sizeof(no));
	return bind(host, address, size) < 0 && errno == EADDRINUSE;
}

static int bind_socket(struct stack *stack, int fd, const struct sockaddr *address, socklen_t size)
{
	struct address wanted = address_from_sockaddr(address);
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_answer answer;
	int code = 0;

	if (!is_host_fd(fd) && wanted.family && address_is_loopback(&wanted))
		code = become_host(lkl, fd, address->sa_family);
	if (code < 0)
		return code;
	if (is_host_fd(fd))
		return sockets_calls.bind(stack, fd, address, size);
	if (is_taken(lkl, fd, address, size))
		return -EADDRINUSE;
	code = ask_socket(stack, fd, LKL_BIND, 0, address, size, &answer);
	if (code == 0 && size >= sizeof(struct sockaddr_in))
		take_port(lkl, port_of(address)); /* it may connect from there */
	return code;
}

/* So that it does not poll writable. How many bytes it took. */
static unsigned fill(int fd)
{
	const int least = 0;
	unsigned filled = 0;
	char bytes[1024] = {0};
	ssize_t done;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	while ((done = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		filled += (unsigned)done;
	return filled;
}

static int connect_socket(struct stack *stack, int fd, const struct sockaddr *address,
			  socklen_t size)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_answer answer;
	int code;

	if (is_host_fd(fd))
		return sockets_calls.connect(stack, fd, address, size);
	code = ask_socket(stack, fd, LKL_CONNECT,
			  address->sa_family == AF_UNSPEC ? 0 : (int)fill(fd), address, size,
			  &answer);
	if (code != LKL_TO_HOST && code != -ENETDOWN && answer.size > 0)
		lkl->more(lkl->data);
	if (code == LKL_TO_HOST) {
		code = become_host(lkl, fd, address->sa_family);
		return code < 0 ? code : sockets_calls.connect(stack, fd, address, size);
	}
	if (code != -EINPROGRESS)
		widen(fd);
	return code;
}

static int listen_socket(struct stack *stack, int fd, int backlog)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_answer answer;
	int code;

	if (is_host_fd(fd))
		return sockets_calls.listen(stack, fd, backlog);
	code = ask_socket(stack, fd, LKL_LISTEN, backlog, NULL, 0, &answer);
	if (code == 0 && answer.size >= sizeof(struct sockaddr_in))
		take_port(lkl, port_of(answer.data));
	return code;
}

static int accept_socket(struct stack *stack, int fd)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {
		.kind = LKL_ACCEPT, .socket = cookie_of(fd), .size = sizeof(uint64_t)};
	int code;

	if (is_host_fd(fd))
		return sockets_calls.accept(stack, fd);
	if (!request.socket)
		return -errno;
	code = new_socket(lkl, &request, request.data, fd);
	if (code >= 0)
		widen(code);
	return code;
}

static int ask_name(struct stack *stack, int fd, enum lkl_kind kind, struct sockaddr *ret,
		    socklen_t *size)
{
	struct lkl_answer answer;
	int code = ask_socket(stack, fd, kind, 0, NULL, 0, &answer);

	if (code < 0)
		return code;
	memcpy(ret, answer.data, answer.size < *size ? answer.size : *size);
	*size = answer.size;
	return 0;
}

static int name(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size)
{
	return is_host_fd(fd) ? sockets_calls.name(stack, fd, ret, size)
			      : ask_name(stack, fd, LKL_NAME, ret, size);
}

static int peer(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size)
{
	return is_host_fd(fd) ? sockets_calls.peer(stack, fd, ret, size)
			      : ask_name(stack, fd, LKL_PEER, ret, size);
}

/* What means something to AF_UNIX sockets only: whether TCP's refuse it depends on the kernel, and the program knows the host's. */
static bool is_refused(int level, int option)
{
	_cleanup_close_ int host = -1;
	const int yes = 1;

	if (level != SOL_SOCKET || (option != SO_PASSCRED && option != SO_PASSSEC))
		return false;
	host = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	return host >= 0 && setsockopt(host, level, option, &yes, sizeof(yes)) < 0;
}

static int set(struct stack *stack, int fd, int level, int option, const void *value,
	       socklen_t size)
{
	struct lkl *lkl = (struct lkl *)stack;
	struct lkl_request request = {
		.kind = LKL_SET, .socket = cookie_of(fd), .a = level, .b = option, .size = size};
	struct lkl_answer answer;

	if (is_host_fd(fd))
		return sockets_calls.set(stack, fd, level, option, value, size);
	if (!request.socket || size > LKL_DATA_MAX)
		return request.socket ? -EINVAL : -errno;
	if (is_refused(level, option))
		return -EOPNOTSUPP;
	if (size > 0)
		memcpy(request.data, value, size);
	return lkl_ask(lkl, &request, LKL_REQUEST_SIZE + size, NULL, 0, &answer);
}

/* A connection that was lost has gone altogether; one that has only ended can still be written to. */
static int why_ended(struct stack *stack, int fd)
{
	struct pollfd is = {.fd = fd};
	socklen_t size = sizeof(int);
	int error = 0, code;

	if (is_host_fd(fd) || (poll(&is, 1, 0) == 1 && !(is.revents & POLLHUP)))
		return 0;
	code = get(stack, fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (code == -ENETDOWN) /* with all others */
		return -ECONNRESET;
	return code < 0 ? 0 : -error;
}

static int shutdown_socket(struct stack *stack, int fd, int how)
{
	struct lkl_request request = {.kind = LKL_SHUTDOWN, .socket = cookie_of(fd), .a = how};
	struct lkl_answer answer;

	if (is_host_fd(fd))
		return sockets_calls.shutdown(stack, fd, how);
	if (!request.socket)
		return -errno;
	return lkl_ask((struct lkl *)stack, &request, LKL_REQUEST_SIZE, &fd, 1, &answer);
}

static int unsent(struct stack *stack, int fd)
{
	struct lkl_answer answer;

	return is_host_fd(fd) ? sockets_calls.unsent(stack, fd)
			      : ask_socket(stack, fd, LKL_UNSENT, 0, NULL, 0, &answer);
}

/* What has come for it up to now is in it still: so a copy of it goes along. */
static int carry(struct stack *stack, int fd, int near)
{
	struct lkl_request request = {.kind = LKL_CARRY, .socket = cookie_of(fd)};
	const int fds[] = {near, fd};
	struct lkl_answer answer;

	if (is_host_fd(fd))
		return -EOPNOTSUPP;
	return lkl_ask((struct lkl *)stack, &request, LKL_REQUEST_SIZE, fds, ARRAY_SIZE(fds),
		       &answer);
}

static void name_link(struct lkl *lkl, struct rv_subflow *subflow)
{
	struct lkl_request request = {.kind = LKL_LINK, .size = sizeof(subflow->local)};
	struct lkl_answer answer;

	memcpy(request.data, &subflow->local, sizeof(subflow->local));
	if (lkl_ask(lkl, &request, LKL_REQUEST_SIZE + request.size, NULL, 0, &answer) == 0)
		snprintf(subflow->link, sizeof(subflow->link), "%.*s", (int)answer.size,
			 (const char *)answer.data);
}

/* Behind the host, links have other addresses than there. */
int lkl_status(struct stack *stack, int fd, struct rv_status *ret, struct err *err)
{
	int code = sockets_status(stack, fd, ret, err);

	for (unsigned i = 0; code == 0 && i < ret->subflow_count && i < RV_SUBFLOWS_MAX; i++)
		if (!ret->subflows[i].link[0])
			name_link((struct lkl *)stack, &ret->subflows[i]);
	return code;
}

const struct stack_calls lkl_calls = {
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
	.why_ended = why_ended,
	.unsent = unsent,
	.carry = carry,
};
