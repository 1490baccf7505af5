/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/relay/relay.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
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
	socket->near = socket->theirs = socket->pending = socket->entering = -1;
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

/* Takes its sides out of the loop: it does not connect or listen any more. */
static void let_go(struct relayed *socket)
{
	struct loop *loop = socket->relay->loop;

	loop_forget(loop, &socket->far_source);
	loop_forget(loop, &socket->near_source);
	loop_unset(loop, &socket->retry);
	socket->near = close_fd(socket->near);
	socket->pending = close_fd(socket->pending);
	socket->entering = close_fd(socket->entering);
}

static void cut_off(struct relayed *socket)
{
	socket->relay->flows--;
	if (socket->carried) {
		socket->far = close_fd(socket->far);
		return;
	}
	flow_abort(&socket->flow);
	socket->far = -1;
}

void relayed_free(struct relayed *socket)
{
	struct relayed *arrival;

	relayed_answer_all(socket, -ECONNABORTED);
	while ((arrival = TAILQ_FIRST(&socket->arrivals))) {
		TAILQ_REMOVE(&socket->arrivals, arrival, link);
		relayed_free(arrival);
	}
	let_go(socket);
	if (socket->state == RELAYED_CONNECTED)
		cut_off(socket);
	relayed_unname(socket);
	close_fd(socket->far);
	close_fd(socket->theirs);
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

void relay_sweep(struct relay *relay)
{
	struct relayed *socket, *next;

	for (socket = TAILQ_FIRST(&relay->unwatched); socket; socket = next) {
		next = TAILQ_NEXT(socket, link);
		if (near_is_held(&relay->near, socket->inode, socket->cookie))
			continue;
		relayed_watched(socket);
		relayed_free(socket);
	}
	/* What is swept next time pays for it. */
	relay->sweep_at = 2 * relay->unwatched_count + SWEEP_FIRST;
}

/* How long closing the stack's socket would wait, as the program has said it; not at all: -1. */
static int linger_of(const struct relayed *socket)
{
	const struct relay *relay = socket->relay;
	struct linger linger = {0};
	socklen_t size = sizeof(linger);
	int err =
		relay->calls->get(relay->stack, socket->far, SOL_SOCKET, SO_LINGER, &linger, &size);

	return err < 0 || !linger.l_onoff ? -1 : linger.l_linger;
}

/* The stack's socket is closed now. A program that wants it to linger waits for its own descriptor, and we for nobody. */
static void let_go_of_far(struct relayed *socket)
{
	const struct linger linger = {.l_onoff = 0};
	struct relay *relay = socket->relay;

	if (linger_of(socket) <= 0)
		return;
	relay->calls->set(relay->stack, socket->far, SOL_SOCKET, SO_LINGER, &linger,
			  sizeof(linger));
}

int relayed_theirs(const struct relayed *socket)
{
	_cleanup_close_ int theirs = caller_descriptor(socket->pid, socket->fd);

	return theirs >= 0 && cookie_of(theirs) == socket->cookie ? steal_fd(&theirs) : -1;
}

/* A transfer that was cut off must not look complete to the program. */
static void spoil(struct relayed *socket)
{
	_cleanup_close_ int theirs = socket->theirs >= 0 ? fcntl(socket->theirs, F_DUPFD_CLOEXEC, 0)
							 : relayed_theirs(socket);

	if (theirs >= 0)
		near_spoil(theirs);
}

static void remember_name(struct relayed *socket)
{
	socket->own_size = sizeof(socket->own);
	if (socket->routed ||
	    socket->relay->calls->name(socket->relay->stack, socket->far,
				       (struct sockaddr *)&socket->own, &socket->own_size) < 0)
		socket->own_size = 0;
}

void relayed_over(struct relayed *socket, int error, uint64_t sent, uint64_t received)
{
	socket->state = RELAYED_OVER;
	socket->relay->flows--;
	socket->relay->attachment.totals.sent += sent;
	socket->relay->attachment.totals.received += received;
	if (error < 0) {
		socket->error = -error;
		spoil(socket);
	}
	if (socket->theirs < 0) /* else it is an arrival */
		relayed_unwatched(socket);
}

static void over(struct flow *flow, int code)
{
	struct relayed *socket = loop_owner(flow, struct relayed, flow);

	remember_name(socket);
	let_go_of_far(socket);
	relayed_over(socket, flow->ends[0].gone ? 0 : code, flow->ends[0].out.moved,
		     flow->ends[1].out.moved);
	flow_close(flow, code < 0);
	socket->far = -1;
}

static bool is_abandoned(struct flow *flow)
{
	return linger_of(loop_owner(flow, struct relayed, flow)) == 0;
}

static int open_flow(struct relayed *socket, int near)
{
	int err;

	socket->flow.over = over;
	socket->flow.stack = socket->relay->stack;
	socket->flow.is_abandoned = is_abandoned;
	socket->flow.left_open = true;
	err = flow_open(&socket->flow, socket->relay->loop, near, socket->far, NULL, 0);
	if (err < 0)
		socket->far = -1;
	return err;
}

int relayed_connect(struct relayed *socket, int near)
{
	int err = relayed_carry(socket, near);

	if (!socket->carried)
		err = open_flow(socket, near);
	if (err < 0)
		return err;
	socket->state = RELAYED_CONNECTED;
	socket->relay->flows++;
	socket->relay->attachment.totals.connections++;
	return 0;
}

static void on_closed(struct loop_source *source, uint32_t events)
{
	relayed_free(loop_owner(source, struct relayed, near_source));
}

int relayed_hold(struct relayed *socket, int theirs)
{
	int err;

	socket->near = near_join(&socket->relay->near, theirs);
	if (socket->near < 0)
		return socket->near;
	socket->held = near_hold(theirs);
	socket->near_source = (struct loop_source){.fd = socket->near, .ready = on_closed};
	err = loop_watch(socket->relay->loop, &socket->near_source, 0);
	if (err < 0)
		socket->near = close_fd(socket->near);
	return err;
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
		if (strncmp(line, "flags:", 6) == 0) {
			flags = strtoul(line + 6, NULL, 8);
			break;
		}
	return flags & O_CLOEXEC;
}

int relayed_renew(struct relayed *socket, const struct call *call, int theirs)
{
	_cleanup_close_ int fresh = near_make_like(theirs);
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

int relayed_stop(struct relayed *socket, const struct call *call, int theirs)
{
	const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	struct relay *relay = socket->relay;
	enum relayed_state was = socket->state;
	struct relayed *arrival;
	int err;

	while ((arrival = TAILQ_FIRST(&socket->arrivals))) {
		TAILQ_REMOVE(&socket->arrivals, arrival, link);
		relayed_free(arrival);
	}
	let_go(socket);
	if (was == RELAYED_CONNECTED)
		cut_off(socket);
	err = relayed_far(socket);
	if (err >= 0 && was == RELAYED_LISTENING)
		err = relay->calls->shutdown(relay->stack, socket->far, SHUT_RDWR);
	else if (err >= 0)
		err = relay->calls->connect(relay->stack, socket->far, &nothing, sizeof(nothing));
	relayed_answer_all(socket, was == RELAYED_LISTENING ? -EINVAL : -ECONNABORTED);
	if (was == RELAYED_CONNECTING || was == RELAYED_CONNECTED || was == RELAYED_LISTENING)
		relayed_unwatched(socket);
	socket->state = RELAYED_OVER;
	socket->error = 0;
	socket->own_size = 0;
	socket->untold = socket->routed = false;
	return err < 0 ? err : relayed_renew(socket, call, theirs);
}

int relay_wait(struct relayed *socket, const struct call *call, int theirs, int timeout,
	       void (*late)(struct loop_timer *timer))
{
	struct waiter *waiter, *next;
	struct timeval limit = {0};
	socklen_t size = sizeof(limit);

	/* A thread waits for one thing: a signal has ended what it waited for before. */
	for (waiter = TAILQ_FIRST(&socket->waiters); waiter; waiter = next) {
		next = TAILQ_NEXT(waiter, link);
		if (waiter->call.pid == call->pid)
			waiter_free(waiter);
	}
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return -ENOMEM;
	waiter->socket = socket;
	waiter->call = *call;
	waiter->timer.due = late;
	TAILQ_INSERT_TAIL(&socket->waiters, waiter, link);
	if (getsockopt(theirs, SOL_SOCKET, timeout, &limit, &size) == 0 &&
	    (limit.tv_sec > 0 || limit.tv_usec > 0))
		loop_set(socket->relay->loop, &waiter->timer,
			 clock_now() + (uint64_t)limit.tv_sec * NS_PER_S +
				 (uint64_t)limit.tv_usec * NS_PER_US);
	return 0;
}

void waiter_free(struct waiter *waiter)
{
	TAILQ_REMOVE(&waiter->socket->waiters, waiter, link);
	loop_unset(waiter->socket->relay->loop, &waiter->timer);
	free(waiter);
}

void waiter_answer(struct waiter *waiter, int64_t result)
{
	notify_answer(&waiter->socket->relay->notify, waiter->call.id, result);
	waiter_free(waiter);
}

void relayed_answer_all(struct relayed *socket, int result)
{
	struct waiter *waiter;

	while ((waiter = TAILQ_FIRST(&socket->waiters)))
		waiter_answer(waiter, result);
}

bool relay_waits_not(int theirs)
{
	return fcntl(theirs, F_GETFL) & O_NONBLOCK;
}
