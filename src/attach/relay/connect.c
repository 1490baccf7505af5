/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect(). While the far side connects, the near side is connected to us already, and held, so that it polls as one that is
 * connecting does, for who does not wait and for whom a signal stops waiting. After a failure it is not good for another try:
 * who waits gets a fresh one with the answer, who does not when it tries again.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static bool somebody_waits(const struct relayed *socket)
{
	const struct waiter *waiter;

	TAILQ_FOREACH(waiter, &socket->waiters, link)
	if (notify_waits(&socket->relay->notify, waiter->call.id))
		return true;
	return false;
}

/* The far side is there; the near side becomes so. */
static int succeed(struct relayed *socket, int near)
{
	int err = relayed_connect(socket, near);

	if (err < 0) {
		socket->state = RELAYED_OVER;
		relayed_unwatched(socket);
	}
	return err < 0 ? -ECONNABORTED : 0;
}

static void on_connected(struct relayed *socket)
{
	_cleanup_close_ int theirs = relayed_theirs(socket);

	near_resume(theirs, socket->near, socket->held);
	socket->untold = !somebody_waits(socket);
	relayed_answer_all(socket, succeed(socket, steal_fd(&socket->near)));
}

static void on_failed(struct relayed *socket, int error)
{
	const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	_cleanup_close_ int theirs = relayed_theirs(socket);
	struct relay *relay = socket->relay;
	struct waiter *waiter;

	/* As after a failed connect(): ready for the next. */
	relay->calls->connect(relay->stack, socket->far, &nothing, sizeof(nothing));
	socket->state = RELAYED_FAILED;
	socket->error = error;
	/* With what fills it unread: the program finds an error. */
	socket->near = close_fd(socket->near);
	relayed_unwatched(socket);
	TAILQ_FOREACH(waiter, &socket->waiters, link)
	if (socket->state == RELAYED_FAILED && relayed_renew(socket, &waiter->call, theirs) == 0)
		socket->error = 0;
	relayed_answer_all(socket, -error);
}

/* The far side is decided. */
static void on_progress(struct loop_source *source, uint32_t events)
{
	struct relayed *socket = loop_owner(source, struct relayed, far_source);
	struct relay *relay = socket->relay;
	socklen_t size = sizeof(int);
	int error = 0, err;

	err = relay->calls->get(relay->stack, socket->far, SOL_SOCKET, SO_ERROR, &error, &size);
	loop_forget(relay->loop, source);
	loop_forget(relay->loop, &socket->near_source);
	if (err < 0 || error)
		on_failed(socket, err < 0 ? -err : error);
	else
		on_connected(socket);
}

/* What the program has set up to now. */
static void take_options(struct relayed *socket)
{
	static const int options[][2] = {
		{SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_LINGER}, {IPPROTO_TCP, TCP_NODELAY}};
	struct relay *relay = socket->relay;

	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		struct linger value; /* the largest of them */
		socklen_t size = sizeof(value);

		if (relay->calls->get(relay->stack, socket->far, options[i][0], options[i][1],
				      &value, &size) == 0)
			setsockopt(socket->entering, options[i][0], options[i][1], &value, size);
	}
}

/* What a route connected takes the far side's place. */
static void on_routed(struct loop_source *source, uint32_t events)
{
	struct relayed *socket = loop_owner(source, struct relayed, far_source);
	struct steering *steering = socket->relay->steering;
	struct err why;
	int code = steering->ops->answer(steering, socket->pending, socket->entering, &why);

	if (code == -EINPROGRESS)
		return;
	loop_forget(socket->relay->loop, source);
	loop_forget(socket->relay->loop, &socket->near_source);
	socket->pending = close_fd(socket->pending);
	if (code < 0) {
		socket->entering = close_fd(socket->entering);
		on_failed(socket, -code);
		return;
	}
	take_options(socket);
	close_fd(socket->far);
	socket->far = steal_fd(&socket->entering);
	socket->routed = true;
	on_connected(socket);
}

static int host_socket(int family)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(family, type, IPPROTO_TCP);

	return fd < 0 ? socket(AF_INET, type, IPPROTO_TCP) : fd; /* a host without IPv6 */
}

/* 1: there is no route for that. */
static int begin_routed(struct relayed *socket, const struct sockaddr_storage *to)
{
	struct steering *steering = socket->relay->steering;
	const struct sockaddr *address = (const struct sockaddr *)to;

	if (!steering || !steering->ops->takes(steering, address))
		return 1;
	socket->entering = host_socket(socket->family);
	if (socket->entering >= 0)
		socket->pending = steering->ops->begin(steering, address, socket->entering, false);
	if (socket->pending < 0) {
		socket->entering = close_fd(socket->entering);
		return 1;
	}
	memcpy(&socket->peer, to, sizeof(socket->peer));
	return -EINPROGRESS;
}

/* It goes on to connect, as it does for who does not wait. */
static void late(struct loop_timer *timer)
{
	waiter_answer(loop_owner(timer, struct waiter, timer), -EINPROGRESS);
}

static void late_again(struct loop_timer *timer)
{
	waiter_answer(loop_owner(timer, struct waiter, timer), -EALREADY);
}

/* The far side is on its way. */
static int hold_on(struct relayed *socket, const struct call *call, int theirs)
{
	struct relay *relay = socket->relay;
	int err = relayed_hold(socket, theirs);

	bool routed = socket->pending >= 0;

	if (err == 0) {
		socket->far_source =
			(struct loop_source){.fd = routed ? socket->pending : socket->far,
					     .ready = routed ? on_routed : on_progress};
		err = loop_watch(relay->loop, &socket->far_source, routed ? EPOLLIN : EPOLLOUT);
	}
	if (err < 0) {
		socket->pending = close_fd(socket->pending);
		socket->entering = close_fd(socket->entering);
		return err;
	}
	relayed_watched(socket);
	socket->state = RELAYED_CONNECTING;
	if (relay_waits_not(theirs))
		return -EINPROGRESS;
	err = relay_wait(socket, call, theirs, SO_SNDTIMEO, late);
	return err < 0 ? err : 1;
}

/* What to answer; 1: it waits. */
static int begin(struct relayed *socket, const struct call *call, int theirs,
		 const struct sockaddr_storage *address, socklen_t size)
{
	struct relay *relay = socket->relay;
	int err = begin_routed(socket, address), near;

	if (err == 1)
		err = relay->calls->connect(relay->stack, socket->far,
					    (const struct sockaddr *)address, size);
	if (err == -EINPROGRESS)
		return hold_on(socket, call, theirs);
	if (err < 0)
		return err;
	near = near_join(&relay->near, theirs);
	if (near < 0)
		return near;
	relayed_watched(socket);
	return succeed(socket, near);
}

/* The kernel tells of the failure before it tries again. */
static int tell_failure(struct relayed *socket, const struct call *call, int theirs)
{
	int err = relayed_renew(socket, call, theirs);

	if (err == 0)
		err = socket->error ? -socket->error : -ECONNABORTED;
	socket->error = 0;
	return err;
}

static int connect_it(struct relayed *socket, const struct call *call, int theirs)
{
	struct sockaddr_storage address;
	socklen_t size;
	int err = relay_read_address(call, &address, &size);

	if (err < 0)
		return err;
	if (address.ss_family == AF_UNSPEC)
		return socket->state == RELAYED_FRESH ? 0 : relayed_stop(socket, call, theirs);
	switch (socket->state) {
	case RELAYED_FRESH:
		return begin(socket, call, theirs, &address, size);
	case RELAYED_FAILED:
		return tell_failure(socket, call, theirs);
	case RELAYED_CONNECTING:
		if (relay_waits_not(theirs))
			return -EALREADY;
		err = relay_wait(socket, call, theirs, SO_SNDTIMEO, late_again);
		return err < 0 ? err : 1;
	case RELAYED_CONNECTED:
		if (socket->untold) {
			socket->untold = false;
			return 0;
		}
		break;
	case RELAYED_LISTENING:
	case RELAYED_OVER:
		break;
	}
	return -EISCONN;
}

void relay_on_connect(struct relay *relay, struct relayed *socket, const struct call *call,
		      int theirs)
{
	int result = connect_it(socket, call, theirs);

	if (result <= 0)
		notify_answer(&relay->notify, call->id, result);
}
