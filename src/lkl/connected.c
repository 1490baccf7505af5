/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams that are connected: how they end, and who is told. */
#include "base/cleanup.h"
#include "lkl/kernel.h"
#include "lkl/pump.h"
#include "lkl/streams_parts.h"
#include "stack/stack.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

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

/* Of what the program wrote, what the kernel has not taken. */
static int unread(const struct stream *stream)
{
	int held = stream->up.held ? (int)(stream->up.size - stream->up.at) : 0, near = 0;

	ioctl(stream->near, FIONREAD, &near);
	return near + held;
}

int stream_unsent(struct stream *stream)
{
	int far = kernel_unsent(stream->far);

	return far < 0 ? far : far + unread(stream);
}

void stream_tell_end(struct stream *stream)
{
	struct stack_carried is = {.error = stream->gone ? 0 : -stream->error,
				   .sent = stream->sent + (uint64_t)unread(stream),
				   .received = stream->received,
				   .own_size = sizeof(is.own)};

	if (stream->owner < 0)
		return;
	if (kernel_name(stream->far, (struct sockaddr *)&is.own, &is.own_size) < 0)
		is.own_size = 0;
	send(stream->owner, &is, sizeof(is), MSG_DONTWAIT | MSG_NOSIGNAL);
	stream->owner = close_fd(stream->owner);
}

/* Nobody is at one side any more: the peer is to find that out, if it can be told. */
static void reset(struct streams *streams, struct stream *stream)
{
	const struct linger now = {.l_onoff = 1};

	kernel_set_option(stream->far, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	stream_end(streams, stream);
}

void stream_disowned(struct streams *streams, struct stream *stream)
{
	if (!stream->dead)
		reset(streams, stream);
}

/* The end of what a program wrote may be read before the look at the descriptors that tells that it has closed altogether. */
static bool has_gone(const struct stream *stream)
{
	struct pollfd near = {.fd = stream->near};

	return poll(&near, 1, 0) > 0 && near.revents & (POLLHUP | POLLERR);
}

void stream_advance(struct streams *streams, struct stream *stream)
{
	int err_up, err_down;

	/* If our own end of it stands open still, it was closed. */
	if (stream->gone && !stream->down.closed && is_abandoned(stream)) {
		reset(streams, stream);
		return;
	}
	/* What it wrote is still sent, but nobody else waits for that. */
	if (stream->gone)
		stream_tell_end(stream);
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
		if (!stream->gone && has_gone(stream)) {
			stream->gone = true;
			stream_enqueue(streams, stream);
			return;
		}
		kernel_shutdown(stream->far, SHUT_WR);
		stream->up.closed = true;
	}
	if (stream->down.ended && !stream->down.held && !stream->down.closed) {
		shutdown(stream->near, SHUT_WR);
		stream->down.closed = true;
	}
	if (stream->up.closed && stream->down.closed)
		stream_end(streams, stream);
	else if (err_up == 0 || err_down == 0)
		stream_enqueue(streams, stream);
}

/* What was written to @old, whose other end the stream has, and not read there, is the first that goes to the near side. */
static int take_back(struct stream *stream, int old)
{
	struct stream_way *way = &stream->down;
	size_t rest = way->held ? way->size - way->at : 0;
	int waiting = 0;
	uint8_t *bytes;

	if (ioctl(old, FIONREAD, &waiting) < 0)
		return -errno;
	if (waiting == 0)
		return 0;
	bytes = malloc((size_t)waiting + rest);
	if (!bytes)
		return -ENOMEM;
	if (recv(old, bytes, (size_t)waiting, MSG_DONTWAIT | MSG_WAITALL) != waiting) {
		free(bytes);
		return -EIO;
	}
	if (rest > 0)
		memcpy(bytes + waiting, way->held + way->at, rest);
	free(way->held);
	*way = (struct stream_way){
		.held = bytes, .size = (size_t)waiting + rest, .ended = way->ended};
	return 0;
}

int stream_carry(struct streams *streams, struct stream *stream, int near, int old)
{
	struct epoll_event event = {.events = STREAM_NEAR_EVENTS, .data.ptr = stream};
	struct epoll_event closed = {.data.ptr = stream};
	int err = 0;

	/* Where its end was passed on already, nothing more can be told there. */
	if (stream->state != STREAM_CONNECTED || stream->owner >= 0 || stream->down.closed)
		err = -EALREADY;
	if (err == 0 && (epoll_ctl(streams->owners, EPOLL_CTL_ADD, stream->near, &closed) < 0 ||
			 epoll_ctl(streams->host, EPOLL_CTL_ADD, near, &event) < 0))
		err = -errno;
	if (err == 0)
		err = take_back(stream, old);
	close_fd(old);
	if (err < 0) {
		epoll_ctl(streams->owners, EPOLL_CTL_DEL, stream->near, NULL);
		epoll_ctl(streams->host, EPOLL_CTL_DEL, near, NULL);
		close_fd(near);
		return err;
	}
	epoll_ctl(streams->host, EPOLL_CTL_DEL, stream->near, NULL);
	stream->owner = stream->near;
	stream->near = near;
	stream->near_in = stream->near_out = true;
	stream->awaits_room = false;
	stream_enqueue(streams, stream);
	return 0;
}
