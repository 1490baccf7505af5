/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TALK_STREAM: blocks of the pattern (stream.h), each way at its own pace. */
#include "assess/stream.h"
#include "assess/talk.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define READ_SIZE 65536

struct side {
	int fd;
	const struct hello *hello;
	struct meter *meter;
	struct stream_out out;
	struct stream_in in;
	uint64_t amount; /* to send: bytes, or TALK_TIMED */
	bool may_send;
	uint8_t block[STREAM_BLOCK]; /* that is being sent */
	size_t block_size, block_sent;
};

static uint64_t wanted(const struct side *side)
{
	if (side->amount == TALK_TIMED)
		return meter_now(side->meter) < side->hello->until ? STREAM_BLOCK : 0;
	return side->amount - side->out.bytes;
}

static bool has_more(const struct side *side)
{
	return side->may_send && (side->block_sent < side->block_size || !side->out.ended);
}

/* As much as the socket takes now. */
static int send_some(struct side *side)
{
	while (has_more(side)) {
		ssize_t sent;

		if (side->block_sent == side->block_size) {
			side->block_size = stream_write(&side->out, wanted(side), side->block);
			side->block_sent = 0;
		}
		sent = send(side->fd, side->block + side->block_sent,
			    side->block_size - side->block_sent, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		side->block_sent += (size_t)sent;
		if (side->amount == TALK_TIMED)
			return 0; /* the other direction's turn */
	}
	return 0;
}

static int receive_some(struct side *side)
{
	uint8_t bytes[READ_SIZE];
	ssize_t got = recv(side->fd, bytes, sizeof(bytes), 0);
	int taken;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	taken = stream_read(&side->in, bytes, (size_t)got);
	if (taken > 0)
		meter_received(side->meter, (uint64_t)taken);
	return taken < 0 ? taken : 0;
}

static int go_on(struct side *side)
{
	while (has_more(side) || !side->in.ended) {
		short events =
			(short)((has_more(side) ? POLLOUT : 0) | (side->in.ended ? 0 : POLLIN));
		int ready = talk_wait(side->fd, events,
				      side->hello->origin + side->hello->patience),
		    code = 0;

		if (ready <= 0)
			return ready ? ready : -ETIMEDOUT;
		if (ready & (POLLIN | POLLHUP | POLLERR))
			code = receive_some(side);
		if (code == 0 && side->in.ended)
			side->may_send = true;
		if (code == 0 && ready & POLLOUT)
			code = send_some(side);
		if (code < 0)
			return code;
	}
	return 0;
}

int talk_stream(int fd, const struct hello *hello, bool client, struct meter *meter)
{
	struct side side = {
		.fd = fd,
		.hello = hello,
		.meter = meter,
		.out = {.seed = client ? hello->seed : hello->seed + 1},
		.in = {.seed = client ? hello->seed + 1 : hello->seed},
		.amount = client ? hello->up : hello->down,
		.may_send = client || hello->down == TALK_TIMED,
	};
	int code = go_on(&side);

	meter_count(meter, side.out.bytes, side.in.bad);
	if (code == 0 && side.in.bad)
		code = -EBADMSG;
	return code;
}
