/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "lkl/kernel.h"
#include "lkl/race.h"
#include "lkl/streams_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

#define BATCH         64
#define ALL_TURNS     16
#define SENT_MUCH     32768
#define MOVED_FIRST   (1 << 20)
#define BUCKETS_FIRST 64 /* a power of two */

int streams_open(struct streams *streams, int host)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = streams};

	*streams = (struct streams){
		.host = host, .kernel = kernel_epoll(), .owners = epoll_create1(EPOLL_CLOEXEC)};
	TAILQ_INIT(&streams->queue);
	TAILQ_INIT(&streams->dead);
	LIST_INIT(&streams->all);
	if (streams->kernel < 0)
		return streams->kernel;
	if (streams->owners < 0 || epoll_ctl(host, EPOLL_CTL_ADD, streams->owners, &event) < 0)
		return -errno;
	return past_open(&streams->past);
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

static uint64_t moved_by(const struct stream *stream)
{
	return stream->sent + stream->received;
}

void stream_enqueue(struct streams *streams, struct stream *stream)
{
	if (stream->queued || stream->dead)
		return;
	stream->queued = true;
	if (stream == streams->first && moved_by(stream) < streams->first_to)
		TAILQ_INSERT_HEAD(&streams->queue, stream, turn);
	else
		TAILQ_INSERT_TAIL(&streams->queue, stream, turn);
}

/* Nobody waits here until all is sent, as one who closes may have wished (SO_LINGER). */
static void close_far(int far)
{
	struct linger linger = {0};
	socklen_t size = sizeof(linger);

	if (kernel_get_option(far, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff &&
	    linger.l_linger > 0) {
		linger.l_onoff = 0;
		kernel_set_option(far, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
	kernel_close(far);
}

void stream_end(struct streams *streams, struct stream *stream)
{
	if (stream->dead)
		return;
	if (stream->state == STREAM_CONNECTED) {
		past_remember(&streams->past, stream->number, stream->error, stream->far);
		streams->ending(streams->data);
	}
	stream_tell_end(stream);
	if (stream->hurried)
		streams->hurried--;
	if (stream->queued)
		TAILQ_REMOVE(&streams->queue, stream, turn);
	LIST_REMOVE(stream, all);
	unlist(streams, stream);
	streams->count--;
	stream->dead = true;
	stream->queued = false;
	/* Its owner has a copy, so that closing it would not take it out. */
	epoll_ctl(streams->host, EPOLL_CTL_DEL, stream->near, NULL);
	stream->near = close_fd(stream->near);
	race_end(streams, stream);
	close_far(stream->far);
	free(stream->up.held);
	free(stream->down.held);
	TAILQ_INSERT_TAIL(&streams->dead, stream, turn);
}

struct stream *stream_new(struct streams *streams, uint64_t number, int near, int far,
			  int *ret_error)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct epoll_event event = {.events = STREAM_NEAR_EVENTS, .data.ptr = stream};

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
	stream->rival = stream->owner = -1;
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

int stream_watch_far(struct streams *streams, struct stream *stream)
{
	int code = kernel_epoll_add(streams->kernel, stream->far,
				    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, stream);

	return code == -EEXIST ? 0 : code;
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
	if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		stream->near_drains = true;
	stream->gone = stream->gone || (events & (EPOLLHUP | EPOLLERR));
	if (stream->state == STREAM_CONNECTED)
		stream_enqueue(streams, stream);
	else if (events & (EPOLLHUP | EPOLLERR)) /* nobody has it any more */
		stream_end(streams, stream);
}

bool streams_sweep(struct streams *streams)
{
	struct stream *stream, *next;
	bool any = false;

	for (stream = LIST_FIRST(&streams->all); stream; stream = next) {
		struct pollfd near = {.fd = stream->near};

		next = LIST_NEXT(stream, all);
		if (stream->state == STREAM_CONNECTED || poll(&near, 1, 0) <= 0 ||
		    !(near.revents & POLLHUP))
			continue;
		stream_end(streams, stream);
		any = true;
	}
	return any;
}

void streams_on_owners(struct streams *streams)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(streams->owners, events, BATCH, 0);

	for (int i = 0; i < count; i++)
		stream_disowned(streams, events[i].data.ptr);
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
			stream_decide(streams, stream, -error);
		break;
	case STREAM_LISTENING:
		stream_tell_arrival(stream);
		break;
	case STREAM_CONNECTED:
		if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			stream->far_in = true;
		if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			stream->far_out = true;
		/* Nothing is read from it any more that would tell. */
		if (events & (EPOLLHUP | EPOLLERR) && stream->down.ended && !stream->error)
			stream->error = error_of(stream);
		stream_enqueue(streams, stream);
		break;
	case STREAM_FRESH:
		break;
	}
}

bool streams_look(struct streams *streams)
{
	struct epoll_event events[BATCH];
	int count;

	do {
		count = kernel_epoll_look(streams->kernel, events, BATCH);
		for (int i = 0; i < count; i++) {
			struct stream *stream = events[i].data.ptr;

			if (!stream->dead)
				on_far(streams, stream, events[i].events);
		}
	} while (count == BATCH);
	return !TAILQ_EMPTY(&streams->queue);
}

/* Is it to be told of room, or no longer? */
static void watch_room(const struct streams *streams, struct stream *stream)
{
	struct epoll_event event = {.events = STREAM_NEAR_EVENTS, .data.ptr = stream};

	if (stream->dead || stream->awaits_room == !stream->near_out)
		return;
	stream->awaits_room = !stream->near_out;
	if (stream->awaits_room)
		event.events |= EPOLLOUT;
	epoll_ctl(streams->host, EPOLL_CTL_MOD, stream->near, &event);
}

/* True if it has sent much. */
static bool serve(struct streams *streams, struct stream *stream)
{
	uint64_t sent = stream->sent;

	TAILQ_REMOVE(&streams->queue, stream, turn);
	stream->queued = false;
	if (stream != streams->first || moved_by(stream) >= streams->first_to) {
		streams->first = stream;
		streams->first_to = moved_by(stream) + MOVED_FIRST;
	}
	stream_advance(streams, stream);
	watch_room(streams, stream);
	return stream->sent - sent >= SENT_MUCH;
}

bool streams_move(struct streams *streams)
{
	struct stream *stream;
	bool much = false;

	for (unsigned i = 0; i < ALL_TURNS && !much && (stream = TAILQ_FIRST(&streams->queue)); i++)
		much = serve(streams, stream);
	while ((stream = TAILQ_FIRST(&streams->dead))) {
		TAILQ_REMOVE(&streams->dead, stream, turn);
		free(stream);
	}
	return much;
}
