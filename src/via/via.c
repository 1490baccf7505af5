/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/via.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "via/agent/agent.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define SO_BUF_LOCK_        72   /* since 5.14 */
#define CONNECT_PATIENCE_MS 1000 /* with our own port, that is next to this process */
#define DIAL_PATIENCE_MS    130000

struct via {
	struct steering steering;
	struct stack stack;
	struct via_options options; /* for what was said; what is found out only the agent knows */
	int requests;               /* owned */
	struct sockaddr_storage doors[DOORS]; /* family 0: there is none */
};

static struct via *of_steering(struct steering *steering)
{
	return loop_owner(steering, struct via, steering);
}

static struct via *of_stack(struct stack *stack)
{
	return loop_owner(stack, struct via, stack);
}

/* -- asking the agent ------------------------------------------------------------------------------------------------- */

/* The descriptor on which the reply comes. */
static int ask(const struct via *via, const struct via_request *request)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	err = wire_send(via->requests, request, sizeof(*request), ends[1]);
	close_fd(ends[1]);
	if (err == 0)
		return ends[0];
	close_fd(ends[0]);
	return err == -EAGAIN ? -ENOBUFS : err;
}

static int hear(int pending, struct err *why)
{
	struct via_reply reply;
	int none, code = wire_receive(pending, &reply, sizeof(reply), &none);

	if (code == -EAGAIN)
		return -EINPROGRESS;
	if (code < 0)
		return err_set(why, -ECONNABORTED, "the process that makes connections has ended");
	close_fd(none);
	reply.why[sizeof(reply.why) - 1] = '\0';
	return reply.code < 0 ? err_set(why, reply.code, "%s", reply.why) : 0;
}

/* -- steering --------------------------------------------------------------------------------------------------------- */

static void name(const struct sockaddr *to, char host[static JOIN_HOST_SIZE],
		 char port[static JOIN_PORT_SIZE])
{
	struct address address = address_from_sockaddr(to);
	char text[ADDRESS_TEXT_MAX];

	snprintf(host, JOIN_HOST_SIZE, "%s", address_text(&address, text));
	snprintf(port, JOIN_PORT_SIZE, "%u", address_port(to));
}

static bool takes(struct steering *steering, const struct sockaddr *to)
{
	char host[JOIN_HOST_SIZE], port[JOIN_PORT_SIZE];

	if (!address_from_sockaddr(to).family || address_port(to) == 0)
		return false;
	name(to, host, port);
	return ways_said(&of_steering(steering)->options.ways, host, port) != WAY_DIRECT;
}

/* The door for a socket of @fd's family: an IPv6 one reaches IPv4's, unless it was told not to. */
static int find_door(const struct via *via, int fd, struct sockaddr_storage *ret)
{
	int family = AF_INET;
	socklen_t size = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0)
		return -errno;
	*ret = via->doors[family == AF_INET6];
	if (ret->ss_family)
		return 0;
	if (family == AF_INET6 && via->doors[0].ss_family) {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

		*v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = ((const struct sockaddr_in *)&via->doors[0])->sin_port};
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* The listener is ours and of this machine: that takes no time, unless the agent is behind. */
static int connect_at_once(int fd, const struct sockaddr_storage *to)
{
	socklen_t size =
		to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int flags = fcntl(fd, F_GETFL), err = 0;

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (connect(fd, (const struct sockaddr *)to, size) < 0)
		err = -errno;
	if (err == -EINPROGRESS) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		int error = ETIMEDOUT;

		size = sizeof(error);
		if (poll(&ready, 1, CONNECT_PATIENCE_MS) > 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		err = -error;
	}
	fcntl(fd, F_SETFL, flags);
	return err;
}

/* Fills @fd's way to the door, which takes little, until it has no room: then it polls neither readable nor writable, as a
 * socket that is connecting. The bytes filled in. */
static uint32_t fill(int fd)
{
	static const char nothing[1024];
	const int least = 0; /* the kernel takes the least that there is */
	uint32_t held = 0;
	ssize_t done;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	while ((done = send(fd, nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		held += (uint32_t)done;
	return held;
}

/* What was filled in is gone: room as a socket has it whose way is short. */
static void widen(int fd)
{
	const int room = 1 << 20, locks = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK_, &locks, sizeof(locks)); /* MPTCP has it not */
}

/* @fd comes in at the door, for what is asked. */
static int enter(const struct via *via, int fd, struct via_request *request)
{
	struct sockaddr_storage door = {0};
	socklen_t size = sizeof(request->from);
	int err = find_door(via, fd, &door);

	if (err == 0)
		err = connect_at_once(fd, &door);
	if (err == 0 && getsockname(fd, (struct sockaddr *)&request->from, &size) < 0)
		err = -errno;
	return err;
}

static int begin(struct steering *steering, const struct sockaddr *to, int fd, bool hold)
{
	struct via *via = of_steering(steering);
	struct via_request request = {.timeout_ms = DIAL_PATIENCE_MS};
	int err = enter(via, fd, &request);

	name(to, request.host, request.port);
	if (err == 0 && hold)
		request.held = fill(fd);
	return err < 0 ? err : ask(via, &request);
}

static int answer(struct steering *steering, int pending, int fd, struct err *why)
{
	int code = hear(pending, why);

	if (code == 0)
		widen(fd);
	return code;
}

static const struct steering_ops steering_ops = {.takes = takes, .begin = begin, .answer = answer};

/* -- stack ------------------------------------------------------------------------------------------------------------ */

struct via_dialling {
	struct dialling dialling;
	int fd; /* owned: the connection to be */
};

static void dial_close(struct dialling *dialling)
{
	struct via_dialling *it = loop_owner(dialling, struct via_dialling, dialling);

	close_fd(dialling->fd);
	close_fd(it->fd);
	free(it);
}

static int dial_open(struct stack *stack, const struct stack_dial *dial, struct dialling **ret,
		     struct err *err)
{
	struct via_request request = {.timeout_ms = dial->timeout_ms};
	struct via_dialling *it = calloc(1, sizeof(*it));
	int code;

	if (!it)
		return err_set(err, -ENOMEM, "out of memory");
	it->dialling.fd = -1;
	it->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	code = it->fd < 0 ? -errno : 0;
	if (strlen(dial->host) >= sizeof(request.host) ||
	    strlen(dial->service) >= sizeof(request.port))
		code = -ENAMETOOLONG;
	snprintf(request.host, sizeof(request.host), "%s", dial->host);
	snprintf(request.port, sizeof(request.port), "%s", dial->service);
	if (code == 0)
		code = enter(of_stack(stack), it->fd, &request);
	if (code == 0)
		code = it->dialling.fd = ask(of_stack(stack), &request);
	if (code < 0) {
		dial_close(&it->dialling);
		return err_set(err, code, "cannot ask for a connection with '%s', port %s: %s",
			       dial->host, dial->service, strerror(-code));
	}
	*ret = &it->dialling;
	return 0;
}

static int dial_go_on(struct dialling *dialling, uint64_t *ret_wake, struct err *err)
{
	struct via_dialling *it = loop_owner(dialling, struct via_dialling, dialling);
	int code = hear(dialling->fd, err);

	*ret_wake = UINT64_MAX; /* the agent keeps the time */
	if (code < 0)
		return code;
	widen(it->fd);
	return steal_fd(&it->fd);
}

/* It is the owner of @via that closes. */
static void close_stack(struct stack *stack)
{
}

static const struct stack_ops stack_via = {
	.name = "via",
	.summary = "by a relay",
	.dial_open = dial_open,
	.dial_go_on = dial_go_on,
	.dial_close = dial_close,
	.close = close_stack,
};

struct steering *via_steering(struct via *via)
{
	return &via->steering;
}

struct stack *via_stack(struct via *via)
{
	return &via->stack;
}

/* -- the agent -------------------------------------------------------------------------------------------------------- */

static int open_door(int family, struct sockaddr_storage *ret)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(*ret);
	int on = 1, least = 0;

	*ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
	if (family == AF_INET)
		((struct sockaddr_in *)ret)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)ret)->sin6_addr = in6addr_loopback;
	/* Little is needed to fill the way to it; each connection gets more later. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	if (fd < 0 ||
	    (family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, (struct sockaddr *)ret, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret, &size) < 0) {
		ret->ss_family = 0;
		return -1;
	}
	return steal_fd(&fd);
}

static void become_agent(const struct via_options *options, int requests,
			 const int doors[static DOORS], int announce)
{
	const int keep[] = {requests, doors[0], doors[1], announce};

	fds_close_but(keep, ARRAY_SIZE(keep));
	prctl(PR_SET_NAME, "rivulet-via");
	prctl(PR_SET_PDEATHSIG, 0);
	signal(SIGINT, SIG_IGN); /* it is told of the end otherwise */
	signal(SIGHUP, SIG_IGN);
	_exit(agent_main(options, requests, doors, announce));
}

int via_open(struct via **ret, const struct via_options *options, int announce, struct err *err)
{
	struct via *via = calloc(1, sizeof(*via));
	int doors[DOORS], ends[2];
	pid_t pid;

	if (!via)
		return err_set(err, -ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		free(via);
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	}
	via->steering.ops = &steering_ops;
	via->stack.ops = &stack_via;
	via->options = *options;
	doors[0] = open_door(AF_INET, &via->doors[0]);
	doors[1] = open_door(AF_INET6, &via->doors[1]);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_agent(options, ends[1], doors, announce);
	close_fd(ends[1]);
	close_fd(doors[0]);
	close_fd(doors[1]);
	via->requests = ends[0];
	if (pid < 0) {
		via_close(via);
		return err_set(err, -EAGAIN, "cannot start a process for connections");
	}
	*ret = via;
	return 0;
}

void via_hush(struct via *via)
{
	const struct via_request nothing = {0};

	wire_send(via->requests, &nothing, sizeof(nothing), -1);
}

void via_close(struct via *via)
{
	if (!via)
		return;
	close_fd(via->requests);
	free(via);
}
