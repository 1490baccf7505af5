/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bind(), listen(), accept(). The far side has the port from bind() on, so that the stack says who may have it. Each connection
 * that the far side accepts calls the near side, which so polls readable; the two queues have the same order.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <string.h>

#define BACKLOG_MAX 4096 /* net.core.somaxconn of today */

static int bind_far(struct relay *relay, struct relayed *socket,
		    const struct sockaddr_storage *address, socklen_t size)
{
	return relay->calls->bind(relay->stack, socket->far, (const struct sockaddr *)address,
				  size);
}

/* The first ports belong to who may have them; this process may be allowed more than the program. */
static bool is_withheld(const struct sockaddr_storage *address, const struct call *call)
{
	/* Both families have the port in the same place. */
	unsigned port = ntohs(((const struct sockaddr_in *)address)->sin_port);

	return port > 0 && port < 1024 && caller_lacks(call->pid, CAP_NET_BIND_SERVICE);
}

void relay_on_bind(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	struct sockaddr_storage address;
	socklen_t size;
	int err = relay_read_address(call, &address, &size);

	if (err == 0 && is_withheld(&address, call))
		err = -EACCES;
	if (err == 0)
		err = bind_far(relay, socket, &address, size);
	if (err == -EADDRINUSE) {
		/* By one that is closed already, perhaps: nobody tells of that. */
		relay_sweep(relay);
		err = bind_far(relay, socket, &address, size);
	}
	notify_answer(&relay->notify, call->id, err);
}

/* A connection that is there has a near side of its own in the program's queue; -ECONNREFUSED: nobody listens any more. */
static int announce(struct relayed *listening, int far)
{
	struct relay *relay = listening->relay;
	_cleanup_close_ int near = near_call(&relay->near, listening->number);
	struct relayed *arrival = near < 0 ? NULL : relayed_new(relay, listening->family, far);
	socklen_t size = sizeof(arrival->peer);
	int err;

	if (!arrival) {
		close_fd(far);
		return near < 0 ? near : -ENOMEM;
	}
	relay->calls->peer(relay->stack, far, (struct sockaddr *)&arrival->peer, &size);
	err = relayed_connect(arrival, steal_fd(&near));
	if (err < 0) {
		relayed_free(arrival);
		return err;
	}
	TAILQ_INSERT_TAIL(&listening->arrivals, arrival, link);
	listening->arrival_count++;
	return 0;
}

static void give(struct relayed *listening, const struct call *call, int theirs);

static void on_arrivals(struct loop_source *source, uint32_t events)
{
	struct relayed *listening = loop_owner(source, struct relayed, source);
	struct relay *relay = listening->relay;
	struct waiter *waiter;
	int err = 0, far = 0;

	while (listening->arrival_count <= listening->backlog && err == 0) {
		far = relay->calls->accept(relay->stack, listening->far);
		if (far < 0)
			break;
		err = announce(listening, far);
	}
	if (err == -ECONNREFUSED) {
		relayed_watched(listening);
		relayed_free(listening);
		return;
	}
	while ((waiter = TAILQ_FIRST(&listening->waiters)) && !TAILQ_EMPTY(&listening->arrivals)) {
		if (notify_waits(&relay->notify, waiter->call.id))
			give(listening, &waiter->call, waiter->theirs);
		waiter_free(waiter);
	}
	/* Further ones wait in the far side's queue. */
	if (listening->arrival_count > listening->backlog)
		loop_watch(relay->loop, source, 0);
}

void relay_on_listen(struct relay *relay, struct relayed *socket, const struct call *call,
		     int theirs)
{
	int backlog = (int)call->args[1], err;

	if (backlog < 0 || backlog > BACKLOG_MAX)
		backlog = BACKLOG_MAX;
	if (socket->state != RELAYED_FRESH && socket->state != RELAYED_LISTENING) {
		notify_answer(&relay->notify, call->id, -EINVAL);
		return;
	}
	err = relay->calls->listen(relay->stack, socket->far, backlog);
	if (err == -EADDRINUSE) {
		relay_sweep(relay);
		err = relay->calls->listen(relay->stack, socket->far, backlog);
	}
	if (err == 0 && socket->state == RELAYED_FRESH)
		err = near_listen(&relay->near, theirs, backlog);
	if (err > 0) {
		socket->number = (unsigned)err;
		socket->state = RELAYED_LISTENING;
	}
	if (err >= 0) {
		listen(theirs, backlog);
		socket->backlog = (unsigned)backlog;
		if (!socket->source.watched)
			socket->source =
				(struct loop_source){.fd = socket->far, .ready = on_arrivals};
		err = loop_watch(relay->loop, &socket->source, EPOLLIN);
	}
	notify_answer(&relay->notify, call->id, err);
}

/* The program's own descriptor for an arrival; it has a name from now on. */
static int take(struct relayed *arrival, int theirs, bool nonblocking)
{
	struct near *near = &arrival->relay->near;
	int fd = arrival->taken >= 0 ? steal_fd(&arrival->taken)
				     : near_accept(near, theirs, nonblocking);
	int err = fd < 0 ? fd : arrival->cookie ? 0 : relayed_name(arrival, fd);

	if (err < 0) {
		close_fd(fd);
		return err;
	}
	if (arrival->spoiled) {
		near_spoil(fd);
		arrival->near = close_fd(arrival->near);
		arrival->spoiled = false;
	}
	return fd;
}

/* Answers accept() by the first arrival. */
static void give(struct relayed *listening, const struct call *call, int theirs)
{
	struct relay *relay = listening->relay;
	struct relayed *arrival = TAILQ_FIRST(&listening->arrivals);
	_cleanup_close_ int fd = -1;
	int err;

	fd = take(arrival, theirs, call->args[3] & SOCK_NONBLOCK);
	err = fd < 0 ? fd : 0;
	TAILQ_REMOVE(&listening->arrivals, arrival, link);
	listening->arrival_count--;
	if (err == 0 && call->args[1])
		err = relay_write_address(call, &arrival->peer,
					  listening->family == AF_INET
						  ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6));
	if (err < 0) {
		notify_answer(&relay->notify, call->id, err);
		relayed_free(arrival);
		return;
	}
	arrival->pid = call->pid;
	err = notify_give(&relay->notify, call->id, fd, call->args[3] & SOCK_CLOEXEC);
	if (err < 0) {
		/* A signal came before, or its descriptors are used up: the connection is for the next who asks. */
		notify_answer(&relay->notify, call->id, err);
		relayed_unname(arrival);
		arrival->taken = steal_fd(&fd);
		TAILQ_INSERT_HEAD(&listening->arrivals, arrival, link);
		listening->arrival_count++;
		return;
	}
	if (arrival->state == RELAYED_OVER)
		relayed_unwatched(arrival);
}

static void late(struct loop_timer *timer)
{
	waiter_answer(loop_owner(timer, struct waiter, timer), -EAGAIN);
}

void relay_on_accept(struct relay *relay, struct relayed *socket, const struct call *call,
		     int theirs)
{
	int err = 0;

	if (call->args[3] & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC) ||
	    socket->state != RELAYED_LISTENING)
		err = -EINVAL;
	else if (TAILQ_EMPTY(&socket->arrivals) && relay_waits_not(theirs))
		err = -EAGAIN;
	else if (TAILQ_EMPTY(&socket->arrivals))
		err = relay_wait(socket, call, theirs, SO_RCVTIMEO, late);
	else
		give(socket, call, theirs);
	if (err < 0)
		notify_answer(&relay->notify, call->id, err);
	if (err == 0 && socket->state == RELAYED_LISTENING)
		loop_watch(relay->loop, &socket->source, EPOLLIN);
}
