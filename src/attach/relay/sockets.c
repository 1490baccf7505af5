/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/relay/relay.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <search.h>
#include <sys/stat.h>

#define SWEEP_FIRST 64

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct relayed *)a)->cookie, y = ((const struct relayed *)b)->cookie;

	return (x > y) - (x < y);
}

static uint64_t cookie_of(int fd)
{
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

struct relayed *relayed_new(struct relay *relay, int family, int far)
{
	struct relayed *socket = calloc(1, sizeof(*socket));

	if (!socket)
		return NULL;
	socket->relay = relay;
	socket->family = family;
	socket->far = far;
	socket->near = socket->theirs = socket->taken = socket->pending = -1;
	TAILQ_INIT(&socket->waiters);
	TAILQ_INIT(&socket->arrivals);
	return socket;
}

void relayed_unwatched(struct relayed *socket)
{
	TAILQ_INSERT_TAIL(&socket->relay->unwatched, socket, link);
	socket->relay->unwatched_count++;
}

void relayed_watched(struct relayed *socket)
{
	TAILQ_REMOVE(&socket->relay->unwatched, socket, link);
	socket->relay->unwatched_count--;
}

void relayed_unname(struct relayed *socket)
{
	if (socket->cookie)
		tdelete(socket, &socket->relay->sockets, compare);
	socket->cookie = 0;
}

void relayed_free(struct relayed *socket)
{
	struct relayed *arrival;
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&socket->waiters)))
		waiter_answer(waiter, -ECONNABORTED);
	while ((arrival = TAILQ_FIRST(&socket->arrivals))) {
		TAILQ_REMOVE(&socket->arrivals, arrival, link);
		relayed_free(arrival);
	}
	if (socket->number)
		near_forget(&socket->relay->near, socket->number);
	loop_forget(socket->relay->loop, &socket->source);
	if (socket->state == RELAYED_CONNECTED) {
		socket->relay->flows--;
		flow_abort(&socket->flow);
		socket->far = -1;
	}
	relayed_unname(socket);
	close_fd(socket->pending);
	close_fd(socket->far);
	close_fd(socket->near);
	close_fd(socket->theirs);
	close_fd(socket->taken);
	free(socket);
}

int relayed_name(struct relayed *socket, int fd)
{
	struct stat st;

	relayed_unname(socket);
	socket->cookie = cookie_of(fd);
	if (!socket->cookie || fstat(fd, &st) < 0 ||
	    !tsearch(socket, &socket->relay->sockets, compare)) {
		socket->cookie = 0;
		return -ENOMEM;
	}
	socket->inode = (uint32_t)st.st_ino;
	return 0;
}

struct relayed *relay_find(struct relay *relay, int fd)
{
	const struct relayed wanted = {.cookie = cookie_of(fd)};
	struct relayed **found = wanted.cookie ? tfind(&wanted, &relay->sockets, compare) : NULL;

	return found ? *found : NULL;
}

/* Drops waiters who are gone, by a signal or for ever: of thread @pid, which has another call now; 0: of any. What they hold
 * would keep the socket from ever being nobody's. */
static void drop_gone(struct relayed *socket, pid_t pid)
{
	struct waiter *waiter, *next;

	for (waiter = TAILQ_FIRST(&socket->waiters); waiter; waiter = next) {
		next = TAILQ_NEXT(waiter, link);
		if (pid ? waiter->call.pid == pid
			: !notify_waits(&socket->relay->notify, waiter->call.id))
			waiter_free(waiter);
	}
}

void relay_sweep(struct relay *relay)
{
	struct relayed *socket, *next;

	for (socket = TAILQ_FIRST(&relay->unwatched); socket; socket = next) {
		next = TAILQ_NEXT(socket, link);
		drop_gone(socket, 0);
		if (near_is_held(&relay->near, socket->inode, socket->cookie))
			continue;
		relayed_watched(socket);
		relayed_free(socket);
	}
	/* What is swept next time pays for it. */
	relay->sweep_at = 2 * relay->unwatched_count + SWEEP_FIRST;
}

/* The stack's socket is closed now. A program that wants it to linger waits for its own descriptor, and we for nobody. */
static void let_go_of_far(struct relayed *socket)
{
	struct relay *relay = socket->relay;
	struct linger linger = {0};
	socklen_t size = sizeof(linger);

	if (relay->calls->get(relay->stack, socket->far, SOL_SOCKET, SO_LINGER, &linger, &size) <
		    0 ||
	    !linger.l_onoff || linger.l_linger == 0)
		return;
	linger.l_onoff = 0;
	relay->calls->set(relay->stack, socket->far, SOL_SOCKET, SO_LINGER, &linger,
			  sizeof(linger));
}

/* A transfer that was cut off must not look complete to the program. */
static void spoil(struct relayed *socket)
{
	_cleanup_close_ int theirs = caller_descriptor(socket->pid, socket->fd);

	if (theirs >= 0 && cookie_of(theirs) == socket->cookie)
		near_spoil(theirs);
}

static void over(struct flow *flow, int code)
{
	struct relayed *socket = loop_owner(flow, struct relayed, flow);
	bool reset = code < 0 && !flow->ends[0].gone;

	socket->state = RELAYED_OVER;
	socket->relay->flows--;
	socket->relay->attachment.totals.sent += flow->ends[0].out.moved;
	socket->relay->attachment.totals.received += flow->ends[1].out.moved;
	let_go_of_far(socket);
	if (reset && !socket->cookie) { /* who accepts it is to find out */
		loop_forget(flow->loop, &flow->ends[0].source);
		socket->near = steal_fd(&flow->ends[0].source.fd);
		socket->spoiled = true;
	} else if (reset) {
		spoil(socket);
	}
	flow_close(flow, code < 0);
	socket->far = -1;
	if (socket->cookie)
		relayed_unwatched(socket);
}

int relayed_connect(struct relayed *socket, int near)
{
	int err;

	socket->flow.over = over;
	socket->flow.left_open = true;
	err = flow_open(&socket->flow, socket->relay->loop, near, socket->far, NULL, 0);
	if (err < 0) {
		socket->far = -1;
		return err;
	}
	socket->state = RELAYED_CONNECTED;
	socket->relay->flows++;
	socket->relay->attachment.totals.connections++;
	return 0;
}

int relay_wait(struct relayed *socket, const struct call *call, int theirs, int timeout,
	       void (*late)(struct loop_timer *timer))
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct relay *relay = socket->relay;
	struct timeval limit = {0};
	socklen_t size = sizeof(limit);

	if (!waiter)
		return -ENOMEM;
	drop_gone(socket, call->pid);
	waiter->socket = socket;
	waiter->call = *call;
	waiter->theirs = theirs < 0 ? -1 : fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	waiter->timer.due = late;
	TAILQ_INSERT_TAIL(&socket->waiters, waiter, link);
	/* As the far side has it: the near side's limits are ours, too (near_accept()). */
	if (relay->calls->get(relay->stack, socket->far, SOL_SOCKET, timeout, &limit, &size) == 0 &&
	    (limit.tv_sec > 0 || limit.tv_usec > 0))
		loop_set(relay->loop, &waiter->timer,
			 clock_now() + (uint64_t)limit.tv_sec * NS_PER_S +
				 (uint64_t)limit.tv_usec * NS_PER_US);
	return 0;
}

void waiter_free(struct waiter *waiter)
{
	TAILQ_REMOVE(&waiter->socket->waiters, waiter, link);
	loop_unset(waiter->socket->relay->loop, &waiter->timer);
	close_fd(waiter->theirs);
	free(waiter);
}

void waiter_answer(struct waiter *waiter, int64_t result)
{
	notify_answer(&waiter->socket->relay->notify, waiter->call.id, result);
	waiter_free(waiter);
}

bool relay_waits_not(int theirs)
{
	return fcntl(theirs, F_GETFL) & O_NONBLOCK;
}
