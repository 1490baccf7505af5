/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/streams.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "lkl/kernel.h"
#include "lkl/options.h"
#include "lkl/pump.h"
#include "lkl/race.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

#define BATCH         64
#define ALL_TURNS     16
#define SYN_AGAIN     NS_PER_S
#define BUCKETS_FIRST 64 /* a power of two */

int streams_open(struct streams *streams, int host)
{
	*streams = (struct streams){.host = host, .kernel = kernel_epoll()};
	TAILQ_INIT(&streams->queue);
	TAILQ_INIT(&streams->dead);
	LIST_INIT(&streams->all);
	return streams->kernel < 0 ? streams->kernel : past_open(&streams->past);
}

static struct stream **bucket_of(const struct streams *streams, uint64_t number)
{
	/* Numbers are given one after the other: they are spread well as they are. */
	return &streams->buckets[number & (streams->bucket_count - 1)];
}

static void list(struct streams *streams, struct stream *stream)
{
	struct stream **bucket = bucket_of(streams, stream->number);

	stream->same_bucket = *bucket;
	*bucket = stream;
}

static void unlist(struct streams *streams, const struct stream *stream)
{
	struct stream **at = bucket_of(streams, stream->number);

	while (*at != stream)
		at = &(*at)->same_bucket;
	*at = stream->same_bucket;
}

/* As many buckets as streams at least. */
static int make_buckets(struct streams *streams)
{
	unsigned count = streams->bucket_count ? 2 * streams->bucket_count : BUCKETS_FIRST;
	struct stream **buckets, *stream;

	if (streams->count < streams->bucket_count)
		return 0;
	buckets = calloc(count, sizeof(struct stream *));
	if (!buckets)
		return -ENOMEM;
	free(streams->buckets);
	streams->buckets = buckets;
	streams->bucket_count = count;
	LIST_FOREACH(stream, &streams->all, all)
	list(streams, stream);
	return 0;
}

static void enqueue(struct streams *streams, struct stream *stream)
{
	if (stream->queued || stream->dead)
		return;
	stream->queued = true;
	TAILQ_INSERT_TAIL(&streams->queue, stream, turn);
}

static void end(struct streams *streams, struct stream *stream)
{
	if (stream->dead)
		return;
	if (stream->state == STREAM_CONNECTED)
		past_remember(&streams->past, stream->number, stream->error, stream->far);
	if (stream->hurried)
		streams->hurried--;
	if (stream->queued)
		TAILQ_REMOVE(&streams->queue, stream, turn);
	LIST_REMOVE(stream, all);
	unlist(streams, stream);
	streams->count--;
	stream->dead = true;
	stream->queued = false;
	stream->near = close_fd(stream->near);
	race_end(streams, stream);
	kernel_close(stream->far);
	free(stream->up.held);
	free(stream->down.held);
	TAILQ_INSERT_TAIL(&streams->dead, stream, turn);
}

/* Nobody is at the near side any more: the peer is to find that out, if it can be told. */
static void reset(struct streams *streams, struct stream *stream)
{
	const struct linger now = {.l_onoff = 1};

	kernel_set_option(stream->far, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end(streams, stream);
}

struct stream *stream_new(struct streams *streams, uint64_t number, int near, int far,
			  int *ret_error)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = stream};

	*ret_error = stream ? make_buckets(streams) : -ENOMEM;
	if (*ret_error == 0 && epoll_ctl(streams->host, EPOLL_CTL_ADD, near, &event) < 0)
		*ret_error = -errno;
	if (*ret_error < 0) {
		free(stream);
		close_fd(near);
		kernel_close(far);
		return NULL;
	}
	stream->number = number;
	stream->near = near;
	stream->far = far;
	stream->rival = -1;
	LIST_INSERT_HEAD(&streams->all, stream, all);
	list(streams, stream);
	streams->count++;
	return stream;
}

struct stream *stream_find(struct streams *streams, uint64_t number)
{
	struct stream *stream = streams->bucket_count ? *bucket_of(streams, number) : NULL;

	while (stream && stream->number != number)
		stream = stream->same_bucket;
	return stream;
}

static int watch_far(struct streams *streams, struct stream *stream)
{
	int code = kernel_epoll_add(streams->kernel, stream->far,
				    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, stream);

	return code == -EEXIST ? 0 : code;
}

static void drop_filling(struct stream *stream)
{
	char bytes[4096];

	while (stream->filled > 0) {
		size_t want = stream->filled < sizeof(bytes) ? stream->filled : sizeof(bytes);
		ssize_t got = recv(stream->near, bytes, want, MSG_DONTWAIT);

		if (got <= 0)
			break;
		stream->filled -= (unsigned)got;
	}
	stream->filled = 0;
}

void stream_choose(const struct streams *streams, struct stream *stream, const struct sockaddr *to)
{
	int far;

	if (stream->bound || stream->state != STREAM_FRESH ||
	    !plain_is(&streams->plain, to, clock_now()))
		return;
	far = kernel_socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
	if (far < 0)
		return;
	race_take_options(stream->far, far);
	kernel_close(stream->far);
	stream->far = far;
}

/* A socket of TCP does not know the question. */
static bool has_fallen_back(const struct stream *stream)
{
	struct mptcp_info info = {0};
	socklen_t size = sizeof(info);

	return kernel_get_option(stream->far, SOL_MPTCP, MPTCP_INFO, &info, &size) < 0 ||
	       info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK;
}

static void decide(struct streams *streams, struct stream *stream, int error)
{
	race_end(streams, stream);
	if (stream->hurried)
		streams->hurried--;
	stream->hurried = false;
	/* A first packet that was lost is sent again without MPTCP's options: that says nothing. */
	if (!error && stream->to_size > 0 && clock_now() < stream->began + SYN_AGAIN &&
	    has_fallen_back(stream))
		plain_note(&streams->plain, (const struct sockaddr *)&stream->to, clock_now());
	stream->error = error;
	stream->state = error ? STREAM_FRESH : STREAM_CONNECTED;
	drop_filling(stream);
	if (!error) {
		options_settle(stream);
		stream->near_in = stream->near_out = stream->far_in = stream->far_out = true;
		enqueue(streams, stream);
	}
}

void stream_connecting(struct streams *streams, struct stream *stream, int result, unsigned filled)
{
	stream->filled = filled;
	if (result == -EINPROGRESS) {
		stream->state = STREAM_CONNECTING;
		stream->patience = option_patience(stream) * NS_PER_MS;
		stream->hurried = stream->patience > 0;
		streams->hurried += stream->hurried;
		stream->began = clock_now();
		result = watch_far(streams, stream);
		if (result < 0)
			decide(streams, stream, -result);
		return;
	}
	if (result == 0)
		watch_far(streams, stream);
	decide(streams, stream, result < 0 ? -result : 0);
	stream->error = 0; /* the call itself tells */
}

uint64_t streams_give_up(struct streams *streams, uint64_t now)
{
	const struct sockaddr nothing = {.sa_family = AF_UNSPEC};
	uint64_t next = UINT64_MAX;
	struct stream *stream;

	if (streams->hurried == 0)
		return next;
	LIST_FOREACH(stream, &streams->all, all)
	{
		uint64_t due = stream->began + stream->patience;

		if (!stream->hurried)
			continue;
		if (due > now) {
			next = due < next ? due : next;
			continue;
		}
		kernel_connect(stream->far, &nothing, sizeof(nothing));
		decide(streams, stream, ETIMEDOUT);
	}
	return next;
}

void stream_waiting(struct stream *stream, const struct sockaddr *to, socklen_t size,
		    unsigned filled)
{
	memcpy(&stream->to, to, size);
	stream->to_size = size;
	stream->filled = filled;
	stream->state = STREAM_CONNECTING;
	stream->waits = true;
}

void stream_waited(struct streams *streams, struct stream *stream, int result)
{
	stream->waits = false;
	stream_connecting(streams, stream, result, stream->filled);
	if (result < 0 && result != -EINPROGRESS)
		stream->error = -result; /* nobody has been told */
}

int stream_listening(struct streams *streams, struct stream *stream)
{
	stream->state = STREAM_LISTENING;
	return watch_far(streams, stream);
}

void stream_connected(struct streams *streams, struct stream *stream)
{
	watch_far(streams, stream);
	decide(streams, stream, 0);
}

static void tell(struct stream *stream)
{
	if (!stream->told)
		stream->told = send(stream->near, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

void stream_accepted(struct streams *streams, struct stream *stream, bool more)
{
	stream->told = false;
	if (more)
		tell(stream);
}

void stream_stopped(struct streams *streams, struct stream *stream)
{
	if (stream->hurried)
		streams->hurried--;
	stream->hurried = false;
	drop_filling(stream);
	stream->state = STREAM_FRESH;
	stream->told = stream->waits = false;
}

int stream_unsent(struct stream *stream)
{
	int held = stream->up.held ? (int)(stream->up.size - stream->up.at) : 0;
	int unread = 0, far = kernel_unsent(stream->far);

	ioctl(stream->near, FIONREAD, &unread);
	return far < 0 ? far : far + unread + held;
}

bool streams_serve(const struct streams *streams, uint16_t port)
{
	const struct stream *stream;

	LIST_FOREACH(stream, &streams->all, all)
	{
		struct sockaddr_in6 own = {0};
		socklen_t size = sizeof(own);

		/* Both families have the port in the same place. */
		if (stream->state == STREAM_LISTENING &&
		    kernel_name(stream->far, (struct sockaddr *)&own, &size) == 0 &&
		    ntohs(own.sin6_port) == port)
			return true;
	}
	return false;
}

void stream_on_near(struct streams *streams, struct stream *stream, uint32_t events)
{
	if (stream->dead)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		stream->near_in = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		stream->near_out = true;
	stream->gone = stream->gone || (events & (EPOLLHUP | EPOLLERR));
	if (stream->state == STREAM_CONNECTED)
		enqueue(streams, stream);
	else if (events & (EPOLLHUP | EPOLLERR)) /* nobody has it any more */
		end(streams, stream);
}

/* Positive; 0: none. */
static int error_of(const struct stream *stream)
{
	socklen_t size = sizeof(int);
	int error = 0;

	kernel_get_option(stream->far, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static void on_far(struct streams *streams, struct stream *stream, uint32_t events)
{
	bool alone;
	int error;

	switch (stream->state) {
	case STREAM_CONNECTING:
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			break;
		alone = stream->rival < 0;
		error = race_settle(streams, stream);
		if (error == -EINPROGRESS && alone && (events & EPOLLHUP))
			error = -ECONNRESET;
		if (error != -EINPROGRESS)
			decide(streams, stream, -error);
		break;
	case STREAM_LISTENING:
		tell(stream);
		break;
	case STREAM_CONNECTED:
		if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			stream->far_in = true;
		if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			stream->far_out = true;
		/* Nothing is read from it any more that would tell. */
		if (events & (EPOLLHUP | EPOLLERR) && stream->down.ended && !stream->error)
			stream->error = error_of(stream);
		enqueue(streams, stream);
		break;
	case STREAM_FRESH:
		break;
	}
}

static bool has_failed(int err)
{
	return err < 0 && err != -EAGAIN;
}

/* Was it said (SO_LINGER) that closing throws away what is not sent? */
static bool is_abandoned(const struct stream *stream)
{
	struct linger linger = {0};
	socklen_t size = sizeof(linger);

	return kernel_get_option(stream->far, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 &&
	       linger.l_onoff && linger.l_linger == 0;
}

static void advance(struct streams *streams, struct stream *stream)
{
	int err_up, err_down;

	/* If our own end of it stands open still, it was closed. */
	if (stream->gone && !stream->down.closed && is_abandoned(stream)) {
		reset(streams, stream);
		return;
	}
	/* One that is lost may still have something to give. */
	err_up = stream->error ? -EAGAIN : pump_up(stream);
	err_down = pump_down(stream);

	if (stream->error && !stream->down.held && (stream->down.ended || has_failed(err_down))) {
		reset(streams, stream);
		return;
	}
	if (!stream->error && (has_failed(err_up) || has_failed(err_down))) {
		reset(streams, stream);
		return;
	}
	if (stream->up.ended && !stream->up.held && !stream->up.closed) {
		kernel_shutdown(stream->far, SHUT_WR);
		stream->up.closed = true;
	}
	if (stream->down.ended && !stream->down.held && !stream->down.closed) {
		shutdown(stream->near, SHUT_WR);
		stream->down.closed = true;
	}
	if (stream->up.closed && stream->down.closed)
		end(streams, stream);
	else if (err_up == 0 || err_down == 0)
		enqueue(streams, stream);
}

static bool take_in(struct streams *streams)
{
	struct epoll_event events[BATCH];
	bool any = false;
	int count;

	do {
		count = kernel_epoll_look(streams->kernel, events, BATCH);
		any = any || count > 0;
		for (int i = 0; i < count; i++) {
			struct stream *stream = events[i].data.ptr;

			if (!stream->dead)
				on_far(streams, stream, events[i].events);
		}
	} while (count == BATCH);
	return any;
}

bool streams_work(struct streams *streams)
{
	bool any = take_in(streams);
	struct stream *stream;

	any = any || !TAILQ_EMPTY(&streams->queue);
	for (unsigned i = 0; i < ALL_TURNS && (stream = TAILQ_FIRST(&streams->queue)); i++) {
		TAILQ_REMOVE(&streams->queue, stream, turn);
		stream->queued = false;
		advance(streams, stream);
	}
	while ((stream = TAILQ_FIRST(&streams->dead))) {
		TAILQ_REMOVE(&streams->dead, stream, turn);
		free(stream);
	}
	return any;
}
