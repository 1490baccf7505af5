/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/stalls.h"

#include "base/clock.h"
#include "lkl/kernel.h"
#include "lkl/streams_parts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define EVERY (50 * NS_PER_MS)

/* What the kernel has of it and cannot send: taking the cork out where there is none does nothing else. */
static void push(const struct stream *stream)
{
	socklen_t size = sizeof(int);
	int corked = 0;

	if (kernel_get_option(stream->far, IPPROTO_TCP, TCP_CORK, &corked, &size) == 0 && !corked)
		kernel_set_option(stream->far, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked));
}

/* Does the program want whatever there is? Who asks for more (SO_RCVLOWAT) is not to find less. */
static bool takes_any(const struct stream *stream)
{
	socklen_t size = sizeof(int);
	int least = 1;

	kernel_get_option(stream->far, SOL_SOCKET, SO_RCVLOWAT, &least, &size);
	return least <= 1;
}

/* Tries to receive where nothing was received since the last time. */
static void look_down(struct streams *streams, struct stream *stream)
{
	if (stream->state == STREAM_CONNECTED && !stream->down.ended && !stream->far_in &&
	    stream->received == stream->delivered && takes_any(stream)) {
		stream->far_in = true;
		stream_enqueue(streams, stream);
	}
	stream->delivered = stream->received;
}

/* True if it has something to send. */
static bool look_up(struct streams *streams, struct stream *stream)
{
	/* What was read of it, or is there to be read. */
	bool held = !stream->far_out && (stream->up.held || (stream->near_in && !stream->up.ended));
	uint32_t waiting, under_way;

	if (stream->state != STREAM_CONNECTED || stream->error ||
	    (!held && stream->sent == stream->settled))
		return false;
	if (kernel_under_way(stream->far, &waiting, &under_way) < 0)
		return false;
	if (waiting == 0 && under_way == 0)
		stream->settled = stream->sent;
	if (under_way == 0 && waiting > 0)
		push(stream);
	if (under_way == 0 && held) {
		stream->far_out = true;
		stream_enqueue(streams, stream);
	}
	return held || waiting > 0 || under_way > 0;
}

uint64_t stalls_look(struct stalls *stalls, struct streams *streams, uint64_t now, bool moved,
		     uint64_t carried)
{
	bool comes = carried != stalls->carried;
	struct stream *stream;

	/* What has moved just after a look is looked at by the next one. */
	stalls->some = stalls->some || moved || comes;
	if (!stalls->some)
		return UINT64_MAX;
	if (now < stalls->next)
		return stalls->next;
	stalls->some = false;
	LIST_FOREACH(stream, &streams->all, all)
	{
		if (comes)
			look_down(streams, stream);
		if (look_up(streams, stream))
			stalls->some = true;
	}
	stalls->carried = carried;
	stalls->next = now + EVERY;
	return stalls->some ? stalls->next : UINT64_MAX;
}
