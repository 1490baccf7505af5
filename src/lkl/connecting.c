/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams that are not connected: how they come to be, and listen. */
#include "base/clock.h"
#include "lkl/kernel.h"
#include "lkl/options.h"
#include "lkl/race.h"
#include "lkl/streams_parts.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <string.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

#define SYN_AGAIN NS_PER_S

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

void stream_decide(struct streams *streams, struct stream *stream, int error)
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
		stream_enqueue(streams, stream);
	}
}

void stream_connecting(struct streams *streams, struct stream *stream, int result, unsigned filled)
{
	stream->filled = filled;
	stream->failed = 0;
	if (result == -EINPROGRESS) {
		stream->state = STREAM_CONNECTING;
		stream->patience = option_patience(stream) * NS_PER_MS;
		stream->hurried = stream->patience > 0;
		streams->hurried += stream->hurried;
		stream->began = clock_now();
		result = stream_watch_far(streams, stream);
		if (result < 0)
			stream_decide(streams, stream, -result);
		return;
	}
	if (result == 0)
		stream_watch_far(streams, stream);
	stream_decide(streams, stream, result < 0 ? -result : 0);
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
		stream_decide(streams, stream, stream->failed ? stream->failed : ETIMEDOUT);
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
	return stream_watch_far(streams, stream);
}

void stream_connected(struct streams *streams, struct stream *stream)
{
	stream_watch_far(streams, stream);
	stream_decide(streams, stream, 0);
}

void stream_tell_arrival(struct stream *stream)
{
	if (!stream->told)
		stream->told = send(stream->near, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

void stream_take_arrival(struct stream *stream, int end)
{
	char byte;

	/* What a connection has received is its program's, though that be mistaken about it. */
	if (stream->state != STREAM_LISTENING)
		return;
	recv(end, &byte, sizeof(byte), MSG_DONTWAIT);
	stream->told = false;
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
