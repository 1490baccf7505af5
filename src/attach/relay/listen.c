/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bind(), listen(), accept(). The far side has the port from bind() on, so that the stack says who may have it. The near side
 * of one that listens is connected to us, and held; it polls readable by a byte of ours while a connection has arrived.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <string.h>

#define BACKLOG_MAX 4096 /* net.core.somaxconn of today */
#define RETRY_AFTER (100 * NS_PER_MS)

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

/* A connection that is there gets a near side. Takes @far. */
static int arrive(struct relayed *listening, int far)
{
	struct relay *relay = listening->relay;
	struct relayed *arrival = relayed_new(relay, listening->family, far);
	int ends[2], err;

	if (!arrival) {
		close_fd(far);
		return -ENOMEM;
	}
	arrival->peer_size = sizeof(arrival->peer);
	if (relay->calls->peer(relay->stack, far, (struct sockaddr *)&arrival->peer,
			       &arrival->peer_size) < 0)
		arrival->peer_size = 0; /* it has gone already */
	err = near_pair(ends);
	if (err == 0) {
		arrival->theirs = ends[1];
		err = relayed_connect(arrival, ends[0]);
	}
	if (err < 0) {
		relayed_free(arrival);
		return err;
	}
	TAILQ_INSERT_TAIL(&listening->arrivals, arrival, link);
	near_ring(listening->near);
	return 0;
}

/* One arrival at most is ahead of the program: the others wait in the far side's queue, which has the length that the program
 * wished. */
static void look(struct relayed *listening)
{
	struct relay *relay = listening->relay;
	int far = 0;

	while (TAILQ_EMPTY(&listening->arrivals) && far >= 0) {
		far = relay->calls->accept(relay->stack, listening->far);
		if (far >= 0)
			far = arrive(listening, far);
		else if (far == -ECONNABORTED || far == -EPROTO)
			far = 0;
	}
	loop_watch(relay->loop, &listening->far_source, far == -EAGAIN ? EPOLLIN : 0);
	/* No descriptors or no memory: that would be told all the time. */
	if (far < 0 && far != -EAGAIN)
		loop_set(relay->loop, &listening->retry, clock_now() + RETRY_AFTER);
}

/* The program's own descriptor for an arrival; it has a name from now on. */
static int name_it(struct relayed *arrival, const struct call *call)
{
	arrival->pid = call->pid;
	if (call->args[3] & SOCK_NONBLOCK)
		fcntl(arrival->theirs, F_SETFL, O_RDWR | O_NONBLOCK);
	return arrival->cookie ? 0 : relayed_name(arrival, arrival->theirs);
}

/* Answers accept() by the first arrival. The next one is there before the answer is, so that the program never finds less than
 * there is. */
static void give(struct relayed *listening, const struct call *call, int theirs)
{
	struct relay *relay = listening->relay;
	struct relayed *arrival = TAILQ_FIRST(&listening->arrivals);
	int err = name_it(arrival, call);

	TAILQ_REMOVE(&listening->arrivals, arrival, link);
	if (theirs >= 0)
		near_unring(theirs);
	look(listening);
	if (err == 0 && call->args[1])
		err = relay_write_address(call, (struct sockaddr_storage *)&arrival->peer,
					  arrival->peer_size);
	if (err < 0) {
		notify_answer(&relay->notify, call->id, err);
		relayed_free(arrival);
		return;
	}
	err = notify_give(&relay->notify, call->id, arrival->theirs, call->args[3] & SOCK_CLOEXEC);
	if (err < 0) {
		/* A signal came before, or its descriptors are used up: the connection is for the next who asks. */
		notify_answer(&relay->notify, call->id, err);
		relayed_unname(arrival);
		TAILQ_INSERT_HEAD(&listening->arrivals, arrival, link);
		near_ring(listening->near);
		return;
	}
	arrival->theirs = close_fd(arrival->theirs);
	if (arrival->state == RELAYED_OVER)
		relayed_unwatched(arrival);
}

static void serve_waiters(struct relayed *listening)
{
	struct relay *relay = listening->relay;
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&listening->waiters)) && !TAILQ_EMPTY(&listening->arrivals)) {
		_cleanup_close_ int theirs = relayed_theirs(listening);

		if (notify_waits(&relay->notify, waiter->call.id))
			give(listening, &waiter->call, theirs);
		waiter_free(waiter);
	}
}

static void on_arrivals(struct loop_source *source, uint32_t events)
{
	struct relayed *listening = loop_owner(source, struct relayed, far_source);

	look(listening);
	serve_waiters(listening);
}

static void on_retry(struct loop_timer *timer)
{
	struct relayed *listening = loop_owner(timer, struct relayed, retry);

	look(listening);
	serve_waiters(listening);
}

/* One more is ahead of the program than in the far side's queue. */
static int listen_far(struct relayed *socket, int backlog)
{
	struct relay *relay = socket->relay;

	return relay->calls->listen(relay->stack, socket->far, backlog > 0 ? backlog - 1 : 0);
}

static int begin(struct relayed *socket, int theirs)
{
	int err = relayed_hold(socket, theirs);

	if (err < 0)
		return err;
	socket->far_source = (struct loop_source){.fd = socket->far, .ready = on_arrivals};
	socket->retry.due = on_retry;
	relayed_watched(socket);
	socket->state = RELAYED_LISTENING;
	look(socket);
	return 0;
}

void relay_on_listen(struct relay *relay, struct relayed *socket, const struct call *call,
		     int theirs)
{
	int backlog = (int)call->args[1], err = -EINVAL;

	if (backlog < 0 || backlog > BACKLOG_MAX)
		backlog = BACKLOG_MAX;
	if (socket->state == RELAYED_FRESH || socket->state == RELAYED_LISTENING)
		err = listen_far(socket, backlog);
	if (err == -EADDRINUSE) {
		relay_sweep(relay);
		err = listen_far(socket, backlog);
	}
	if (err == 0 && socket->state == RELAYED_FRESH)
		err = begin(socket, theirs);
	notify_answer(&relay->notify, call->id, err);
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
	    socket->state != RELAYED_LISTENING) {
		notify_answer(&relay->notify, call->id, -EINVAL);
		return;
	}
	look(socket);
	if (!TAILQ_EMPTY(&socket->arrivals))
		give(socket, call, theirs);
	else if (relay_waits_not(theirs))
		err = -EAGAIN;
	else
		err = relay_wait(socket, call, theirs, SO_RCVTIMEO, late);
	if (err < 0)
		notify_answer(&relay->notify, call->id, err);
}
