/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect(). Who waits is answered when the far side is decided; only then the near side is connected, so that the program may
 * try again with the same socket. Who does not wait has to have a near side that polls as one that is connecting does, until
 * then; after a failure it is not good for another try, and is replaced when there is one.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <string.h>

static void answer_all(struct relayed *socket, int result)
{
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&socket->waiters)))
		waiter_answer(waiter, result);
}

static void succeed(struct relayed *socket)
{
	int near = socket->near, err;

	if (near >= 0)
		near_resume(socket->theirs, near, &socket->hold);
	else
		near = near_join(&socket->relay->near, socket->theirs);
	socket->near = -1;
	err = near < 0 ? near : relayed_connect(socket, near);
	if (err < 0) {
		socket->state = RELAYED_OVER;
		relayed_unwatched(socket);
	}
	answer_all(socket, err < 0 ? -ECONNABORTED : 0);
	socket->theirs = close_fd(socket->theirs);
}

static void fail(struct relayed *socket, int error)
{
	const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	struct relay *relay = socket->relay;
	bool told = !TAILQ_EMPTY(&socket->waiters);

	/* As after a failed connect(): ready for the next. */
	relay->calls->connect(relay->stack, socket->far, &nothing, sizeof(nothing));
	socket->state = socket->near >= 0 ? RELAYED_FAILED : RELAYED_FRESH;
	socket->error = told ? 0 : error;
	socket->near =
		close_fd(socket->near); /* with what fills it unread: the program finds an error */
	relayed_unwatched(socket);
	answer_all(socket, -error);
	socket->theirs = close_fd(socket->theirs);
}

/* What a route connected takes the far side's place, whatever kind of descriptor it is. */
static void on_routed(struct loop_source *source, uint32_t events)
{
	struct relayed *socket = loop_owner(source, struct relayed, source);
	struct steering *steering = socket->relay->steering;
	struct err why;
	int fd = steering->ops->answer(steering, socket->pending, -1, &why);

	if (fd == -EINPROGRESS)
		return;
	loop_forget(socket->relay->loop, source);
	socket->pending = close_fd(socket->pending);
	if (fd < 0) {
		socket->peer.ss_family = 0;
		fail(socket, -fd);
		return;
	}
	close_fd(socket->far);
	socket->far = fd;
	succeed(socket);
}

/* The far side is decided. */
static void on_progress(struct loop_source *source, uint32_t events)
{
	struct relayed *socket = loop_owner(source, struct relayed, source);
	struct relay *relay = socket->relay;
	socklen_t size = sizeof(int);
	int error = 0, err;

	err = relay->calls->get(relay->stack, socket->far, SOL_SOCKET, SO_ERROR, &error, &size);
	loop_forget(relay->loop, source);
	if (err < 0 || error)
		fail(socket, err < 0 ? -err : error);
	else
		succeed(socket);
}

/* It goes on to connect, as it does for who does not wait. */
static void late(struct loop_timer *timer)
{
	waiter_answer(loop_owner(timer, struct waiter, timer), -EINPROGRESS);
}

static void wait_for_it(struct relayed *socket, const struct call *call)
{
	int err = relay_wait(socket, call, -1, SO_SNDTIMEO, late);

	if (err < 0)
		notify_answer(&socket->relay->notify, call->id, err);
}

/* The far side is on its way (-EINPROGRESS) or there (0). */
static void go_on(struct relayed *socket, const struct call *call, int theirs, int code)
{
	struct relay *relay = socket->relay;
	bool waits = !relay_waits_not(theirs);
	int err = 0;

	socket->theirs = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	if (socket->theirs < 0)
		err = -errno;
	if (err == 0 && !waits && code < 0) {
		socket->near = near_join(&relay->near, theirs);
		if (socket->near >= 0)
			socket->hold = near_hold(theirs);
		else
			err = socket->near;
	}
	if (err == 0 && code < 0) {
		bool routed = socket->pending >= 0;

		socket->source = (struct loop_source){.fd = routed ? socket->pending : socket->far,
						      .ready = routed ? on_routed : on_progress};
		err = loop_watch(relay->loop, &socket->source, routed ? EPOLLIN : EPOLLOUT);
	}
	if (err < 0) {
		socket->near = close_fd(socket->near);
		socket->theirs = close_fd(socket->theirs);
		socket->pending = close_fd(socket->pending);
		notify_answer(&relay->notify, call->id, err);
		return;
	}
	relayed_watched(socket);
	socket->state = RELAYED_CONNECTING;
	if (code < 0 && waits) {
		wait_for_it(socket, call);
		return;
	}
	if (code == 0)
		succeed(socket);
	notify_answer(&relay->notify, call->id,
		      code < 0                        ? -EINPROGRESS
		      : socket->state == RELAYED_OVER ? -ECONNABORTED
						      : 0);
}

/* Does descriptor @fd of the caller close when another program is executed? */
static bool closes_on_exec(pid_t pid, int fd)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long flags = 0;
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %lo", &flags) == 1)
			break;
	return flags & O_CLOEXEC;
}

/* The near side of what failed is of no use any more: the program's descriptor gets another. */
static int renew(struct relayed *socket, const struct call *call, int theirs)
{
	_cleanup_close_ int fresh = near_make(relay_waits_not(theirs));
	int err, fd = (int)call->args[0];

	if (fresh < 0)
		return fresh;
	err = notify_replace(&socket->relay->notify, call->id, fd, fresh,
			     closes_on_exec(call->pid, fd));
	if (err < 0)
		return err;
	socket->state = RELAYED_FRESH;
	return relayed_name(socket, fresh);
}

static int refusal(const struct relayed *socket, int theirs)
{
	switch (socket->state) {
	case RELAYED_CONNECTING:
		return relay_waits_not(theirs) ? -EALREADY : 0;
	case RELAYED_CONNECTED:
	case RELAYED_LISTENING:
	case RELAYED_OVER:
		return -EISCONN;
	case RELAYED_FRESH:
	case RELAYED_FAILED:
		break;
	}
	return 0;
}

/* 1: there is no route for that. */
static int begin_routed(struct relayed *socket, const struct sockaddr_storage *to)
{
	struct steering *steering = socket->relay->steering;
	const struct sockaddr *address = (const struct sockaddr *)to;

	if (!steering || !steering->ops->takes(steering, address))
		return 1;
	socket->pending = steering->ops->begin(steering, address, -1, false);
	if (socket->pending < 0)
		return 1;
	socket->peer = *to;
	return -EINPROGRESS;
}

void relay_on_connect(struct relay *relay, struct relayed *socket, const struct call *call,
		      int theirs)
{
	struct sockaddr_storage address;
	socklen_t size;
	int err = relay_read_address(call, &address, &size);

	if (err == 0 && address.ss_family == AF_UNSPEC && socket->state == RELAYED_FRESH) {
		notify_answer(&relay->notify, call->id, 0);
		return;
	}
	if (err == 0 && address.ss_family == AF_UNSPEC)
		err = -EOPNOTSUPP;
	if (err == 0)
		err = refusal(socket, theirs);
	if (err == 0 && socket->state == RELAYED_CONNECTING) {
		wait_for_it(socket, call);
		return;
	}
	if (err == 0 && socket->state == RELAYED_FAILED) {
		/* The kernel tells of the failure before it tries again. */
		err = renew(socket, call, theirs);
		if (err == 0)
			err = socket->error ? -socket->error : -ECONNABORTED;
		socket->error = 0;
	}
	if (err == 0) {
		err = begin_routed(socket, &address);
		if (err == 1)
			err = relay->calls->connect(relay->stack, socket->far,
						    (struct sockaddr *)&address, size);
		if (err == 0 || err == -EINPROGRESS) {
			go_on(socket, call, theirs, err);
			return;
		}
	}
	notify_answer(&relay->notify, call->id, err);
}
