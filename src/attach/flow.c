/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/flow.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* From here on to move pages is cheaper than to copy. */
#define MUCH  32768
#define ENDED (EPOLLHUP | EPOLLERR)

static struct flow_end *other(struct flow *flow, const struct flow_end *end)
{
	return &flow->ends[end == &flow->ends[0]];
}

/* The calls of the stack that @end is of; NULL: it is a socket of the host's kernel. */
static const struct stack_calls *calls_of(const struct flow_end *end)
{
	const struct flow *flow = end->flow;

	return flow->stack && end == &flow->ends[!flow->far_first] ? flow->stack->ops->calls : NULL;
}

/* Closing it will. */
static void make_reset(const struct flow_end *end)
{
	const struct linger now = {.l_onoff = 1};
	const struct stack_calls *calls = calls_of(end);

	if (calls)
		calls->set(end->flow->stack, end->source.fd, SOL_SOCKET, SO_LINGER, &now,
			   sizeof(now));
	else
		setsockopt(end->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void flow_close(struct flow *flow, bool reset)
{
	loop_unset(flow->loop, &flow->later);
	for (unsigned i = 0; i < 2; i++) {
		struct flow_end *end = &flow->ends[i];

		loop_forget_closed(flow->loop, &end->source);
		if (reset)
			make_reset(end);
		end->source.fd = close_fd(end->source.fd);
		free(end->out.held);
		end->out.held = NULL;
		pages_drop(&end->out.pages);
	}
}

void flow_abort(struct flow *flow)
{
	flow_close(flow, true);
}

static int hold(struct flow_way *way, const uint8_t *bytes, size_t size)
{
	way->held = malloc(size);
	if (!way->held)
		return -ENOMEM;
	memcpy(way->held, bytes, size);
	way->at = 0;
	way->size = size;
	return 0;
}

/* How many of the bytes @fd takes now; negative errno: it is lost. */
static ssize_t write_some(int fd, const uint8_t *bytes, size_t size)
{
	ssize_t done = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return done;
}

static bool is_holding(const struct flow_way *way)
{
	return way->held || way->pages.bytes > 0;
}

size_t flow_held(const struct flow_way *way)
{
	return (way->held ? way->size - way->at : 0) + way->pages.bytes;
}

/* @end cannot be written to: what is for it is dropped, but it may still have something to say. */
static void drop(struct flow *flow, struct flow_end *end, int error)
{
	struct flow_way *way = &other(flow, end)->out;
	/* Of a program that only does not listen any more (SHUT_RD). */
	bool deaf = error == -EPIPE && flow->left_open && end == &flow->ends[0];

	free(way->held);
	way->held = NULL;
	pages_drop(&way->pages);
	if (!deaf && end->error == 0)
		end->error = error;
}

/* Passes the end on, once nothing is before it. */
static void pass_end(struct flow *flow, struct flow_end *end)
{
	if (!end->out.ended || end->out.closed || end->error || is_holding(&end->out))
		return;
	/* Closing the other end, now that nobody is left here, says it better: with what its owner wishes (SO_LINGER). */
	if (!end->gone)
		shutdown(other(flow, end)->source.fd, SHUT_WR);
	end->out.closed = true;
}

static ssize_t give_bytes(struct flow_way *way, int to)
{
	ssize_t done = write_some(to, way->held + way->at, way->size - way->at);

	if (done > 0)
		way->at += (size_t)done;
	if (way->at == way->size) {
		free(way->held);
		way->held = NULL;
	}
	return done;
}

static void write_held(struct flow *flow, struct flow_end *end)
{
	struct flow_way *way = &end->out;
	int to = other(flow, end)->source.fd;
	ssize_t done = way->held ? give_bytes(way, to) : pages_give(&way->pages, to);

	if (done < 0)
		drop(flow, other(flow, end), (int)done);
	else
		way->moved += (size_t)done;
}

/* recv() gave nothing. */
static void note_end(struct flow_end *end)
{
	const struct stack_calls *calls = calls_of(end);
	int why = 0;

	end->out.ended = true;
	if (calls && calls->why_ended)
		why = calls->why_ended(end->flow->stack, end->source.fd);
	if (why < 0)
		end->error = why;
}

/* Is it cheaper to give @fd much as pages than to copy it? Not where TCP paces what it sends: pages come faster than that, and a timer
 * has to go off for each segment, while copying takes about as long as there is to wait. */
static bool takes_pages(int fd)
{
	char control[16] = ""; /* TCP_CA_NAME_MAX */
	socklen_t size = sizeof(control);

	return getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, &size) < 0 ||
	       strncmp(control, "bbr", 3) != 0;
}

static int move_pages(struct flow *flow, struct flow_end *end)
{
	struct flow_way *way = &end->out;
	ssize_t got = pages_take(&way->pages, end->source.fd);

	if (got == 0)
		note_end(end);
	/* That nothing is left just now does not say that little will come next. Where it cannot be done, bytes are moved next time. */
	if (got != -EAGAIN)
		way->bulk = got >= MUCH;
	if (got > 0)
		write_held(flow, end);
	return got >= 0 || got == -EAGAIN || got == -EINVAL ? 0 : (int)got;
}

/* Is what is read from @end for a connection that must not be filled? */
static bool is_bounded(const struct flow *flow, const struct flow_end *end)
{
	return flow->bounded && end == &flow->ends[1];
}

static int move_bytes(struct flow *flow, struct flow_end *end)
{
	uint8_t bytes[FLOW_READ];
	struct flow_way *way = &end->out;
	int to = other(flow, end)->source.fd;
	ssize_t got = recv(end->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT), done;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (got == 0) {
		note_end(end);
		return 0;
	}
	way->bulk = got >= MUCH && !is_bounded(flow, end) && takes_pages(to);
	done = write_some(to, bytes, (size_t)got);
	if (done < 0) {
		drop(flow, other(flow, end), (int)done);
		return 0;
	}
	way->moved += (size_t)done;
	return done < got ? hold(way, bytes + done, (size_t)(got - done)) : 0;
}

/* Once: then others have their turn, and who reads on the other side takes what was moved while it is in the processor's cache. */
static int move(struct flow *flow, struct flow_end *end)
{
	return end->out.bulk ? move_pages(flow, end) : move_bytes(flow, end);
}

static bool may_read(const struct flow *flow, const struct flow_end *end)
{
	return !end->out.ended && !is_holding(&end->out) &&
	       !(is_bounded(flow, end) && flow->later.set);
}

static bool is_too_far_ahead(struct flow *flow, const struct flow_end *end)
{
	uint64_t now;

	if (!is_bounded(flow, end))
		return false;
	now = clock_now();
	if (ahead_may_write(&flow->ahead, other(flow, end)->source.fd, now))
		return false;
	loop_set(flow->loop, &flow->later, now + AHEAD_LATER);
	return true;
}

/* What each end is watched for: a sender that would only be held up is not. */
static int watch(struct flow *flow)
{
	for (unsigned i = 0; i < 2; i++) {
		struct flow_end *end = &flow->ends[i];
		uint32_t events = (may_read(flow, end) ? EPOLLIN : 0) |
				  (is_holding(&other(flow, end)->out) ? EPOLLOUT : 0);
		int err;

		/* Both ways of this end are done with: all that it could still tell, all the time, is that. */
		if (end->out.ended && other(flow, end)->out.closed) {
			loop_forget(flow->loop, &end->source);
			continue;
		}
		err = loop_watch(flow->loop, &end->source, events);
		if (err < 0)
			return err;
	}
	return 0;
}

static int error_of(int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return error ? -error : -ECONNRESET;
}

/* All that it had to say has been passed on. */
static bool has_failed(const struct flow_end *end)
{
	return end->error && end->out.ended && !is_holding(&end->out);
}

static int advance(struct flow *flow, struct flow_end *end, uint32_t events)
{
	struct flow_end *peer = other(flow, end);
	int err = 0;

	/* Asked for, it does not stand before what was received until then. */
	if (events & EPOLLERR && end->error == 0)
		end->error = error_of(end->source.fd);
	if (events & EPOLLHUP) {
		bool first = !end->gone;

		end->gone = true;
		if (end->out.ended && end->error == 0)
			note_end(end); /* which may have come by a reset after all */
		if (first && end == &flow->ends[0] && flow->is_abandoned &&
		    flow->is_abandoned(flow))
			return -ECONNABORTED;
	}
	if (is_holding(&peer->out) && (events & (EPOLLOUT | ENDED)))
		write_held(flow, peer);
	if (may_read(flow, end) && (events & (EPOLLIN | ENDED)) && !is_too_far_ahead(flow, end))
		err = move(flow, end);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < 2; i++)
		if (has_failed(&flow->ends[i]))
			return flow->ends[i].error;
	pass_end(flow, end);
	pass_end(flow, peer);
	err = watch(flow);
	/* It has ended, which would be told again and again, but nothing can be read from it just now. */
	if ((events & ENDED) && end->source.events == 0)
		loop_forget(flow->loop, &end->source);
	return err;
}

static bool is_over(const struct flow *flow)
{
	const struct flow_end *a = &flow->ends[0], *b = &flow->ends[1];

	if (a->error || b->error) /* its own end comes */
		return false;
	return (a->out.closed || b->gone) && (b->out.closed || a->gone) &&
	       (a->out.closed || b->out.closed);
}

static void go_on(struct flow *flow, struct flow_end *end, uint32_t events)
{
	int err = advance(flow, end, events);

	if (err == 0 && !is_over(flow))
		return;
	if (!flow->left_open)
		flow_close(flow, err < 0);
	flow->over(flow, err);
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct flow_end *end = loop_owner(source, struct flow_end, source);

	go_on(end->flow, end, events);
}

static void on_later(struct loop_timer *timer)
{
	struct flow *flow = loop_owner(timer, struct flow, later);

	go_on(flow, &flow->ends[1], EPOLLIN);
}

int flow_open(struct flow *flow, struct loop *loop, int a, int b, const void *early, size_t size)
{
	const int fds[] = {a, b};
	int err = 0;

	flow->loop = loop;
	flow->ahead = (struct ahead){0};
	flow->later = (struct loop_timer){.due = on_later};
	for (unsigned i = 0; i < 2; i++)
		flow->ends[i] = (struct flow_end){.flow = flow,
						  .source = {.fd = fds[i], .ready = on_ready}};
	if (size > 0)
		err = hold(&flow->ends[0].out, early, size);
	if (err == 0)
		err = watch(flow);
	if (err < 0)
		flow_close(flow, true);
	return err;
}
