/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TALK_MESSAGES: every 100 ms a message, which says when it was due; what it waited for in its sender's socket is part of its
 * delay. The last one is due at the end, and says so by its number.
 */
#include "assess/stream.h"
#include "assess/talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LAST UINT64_MAX

struct message {
	uint64_t number, due; /* ns since the origin */
	uint8_t bytes[MESSAGE_SIZE - 2 * sizeof(uint64_t)];
};

struct side {
	int fd;
	const struct hello *hello;
	struct meter *meter;
	uint64_t seed, their_seed, number, due;
	uint64_t begin;      /* of ours; theirs begins within a round trip of it */
	uint64_t bytes, bad; /* sent; wrong among what came */
	struct message out, in;
	size_t sent, received; /* of those */
	bool ended, heard_end;
};

static int send_some(struct side *side)
{
	struct message *out = &side->out;
	ssize_t sent;

	if (side->sent == 0) {
		out->number = side->due < side->hello->until ? side->number : LAST;
		out->due = side->due;
		stream_pattern(side->seed, side->number * sizeof(out->bytes), out->bytes,
			       sizeof(out->bytes));
	}
	sent = send(side->fd, (char *)out + side->sent, sizeof(*out) - side->sent, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	side->sent += (size_t)sent;
	if (side->sent < sizeof(*out))
		return 0;
	side->ended = out->number == LAST;
	side->bytes += sizeof(*out);
	side->sent = 0;
	side->due += MESSAGE_EVERY;
	side->number++;
	return 0;
}

static void take(struct side *side, uint64_t expected)
{
	const struct message *in = &side->in;
	uint64_t now = meter_now(side->meter);

	if (in->number != LAST && in->number != expected)
		side->bad++;
	side->bad += stream_compare(side->their_seed, expected * sizeof(in->bytes), in->bytes,
				    sizeof(in->bytes));
	meter_received(side->meter, sizeof(*in));
	meter_delay(side->meter, now > in->due ? now - in->due : 0);
	side->heard_end = in->number == LAST;
}

static int receive_some(struct side *side, uint64_t *expected)
{
	ssize_t got = recv(side->fd, (char *)&side->in + side->received,
			   sizeof(side->in) - side->received, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	side->received += (size_t)got;
	if (side->received == sizeof(side->in)) {
		take(side, (*expected)++);
		side->received = 0;
	}
	return 0;
}

/* What was due and has not come, from number @expected on: it began to be late with its due time. */
static void miss(struct side *side, uint64_t expected)
{
	uint64_t now = meter_now(side->meter), due = side->begin + expected * MESSAGE_EVERY;

	for (; due < side->hello->until && due < now; due += MESSAGE_EVERY)
		meter_delay(side->meter, now - due);
}

int talk_messages(int fd, const struct hello *hello, bool client, struct meter *meter)
{
	struct side side = {
		.fd = fd,
		.hello = hello,
		.meter = meter,
		.seed = client ? hello->seed : hello->seed + 1,
		.their_seed = client ? hello->seed + 1 : hello->seed,
	};
	uint64_t expected = 0;
	int code = 0;

	side.due = side.begin = meter_now(meter);
	while (code == 0 && !(side.ended && side.heard_end)) {
		uint64_t now = meter_now(meter);
		bool sending = !side.ended && now >= side.due;
		uint64_t until = sending || side.ended || side.due > hello->patience
					 ? hello->patience
					 : side.due;
		int ready = talk_wait(
			fd, (short)((side.heard_end ? 0 : POLLIN) | (sending ? POLLOUT : 0)),
			hello->origin + until);

		if (ready < 0)
			code = ready;
		else if (ready == 0 && until == hello->patience)
			code = -ETIMEDOUT;
		if (code == 0 && ready & (POLLIN | POLLHUP | POLLERR))
			code = receive_some(&side, &expected);
		if (code == 0 && ready & POLLOUT)
			code = send_some(&side);
	}
	if (code == -ETIMEDOUT && !side.heard_end)
		miss(&side, expected);
	meter_count(meter, side.bytes, side.bad);
	return code < 0 ? code : side.bad ? -EBADMSG : 0;
}
