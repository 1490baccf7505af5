/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/pump.h"

#include "lkl/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK  (256 * 1024)
#define CHUNKS 4 /* that a stream moves each way in its turn */

static ssize_t near_send(struct stream *stream, const uint8_t *bytes, size_t size)
{
	ssize_t done = send(stream->near, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* A program that does not listen any more (SHUT_RD) loses what comes. Where one has gone the peer is to know, but first all
	 * that the program wrote. */
	if (done < 0 && errno == EPIPE && !(stream->gone && stream->up.closed))
		return (ssize_t)size;
	return done < 0 ? -errno : done;
}

static ssize_t near_receive(struct stream *stream, uint8_t *bytes, size_t size)
{
	ssize_t got = recv(stream->near, bytes, size, MSG_DONTWAIT);

	return got < 0 ? -errno : got;
}

static ssize_t of_far(struct stream *stream, ssize_t done)
{
	if (done < 0 && done != -EAGAIN && !stream->error) {
		stream->error = (int)-done;
		stream->far_in = true;
	}
	return done;
}

static ssize_t far_send(struct stream *stream, const uint8_t *bytes, size_t size)
{
	ssize_t done =
		of_far(stream, kernel_send(stream->far, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));

	stream->sent += done > 0 ? (uint64_t)done : 0;
	return done;
}

static ssize_t far_receive(struct stream *stream, uint8_t *bytes, size_t size)
{
	ssize_t got = of_far(stream, kernel_receive(stream->far, bytes, size, MSG_DONTWAIT));

	if (got > 0)
		stream->received += (uint64_t)got;
	return got;
}

struct direction {
	struct stream_way *way;
	bool *in, *out;
	ssize_t (*receive)(struct stream *stream, uint8_t *bytes, size_t size);
	ssize_t (*send)(struct stream *stream, const uint8_t *bytes, size_t size);
};

/* 0: it took all; -EAGAIN: the rest is held; else it is lost. */
static int pass_on(struct stream *stream, const struct direction *d, const uint8_t *bytes,
		   size_t size)
{
	struct stream_way *way = d->way;
	ssize_t done = d->send(stream, bytes, size);

	if (done < 0 && done != -EAGAIN)
		return (int)done;
	if (done == (ssize_t)size)
		return 0;
	*d->out = false;
	way->at = 0;
	way->size = size - (size_t)(done > 0 ? done : 0);
	way->held = malloc(way->size);
	if (!way->held) {
		stream->error = ENOMEM;
		return -ENOMEM;
	}
	memcpy(way->held, bytes + size - way->size, way->size);
	return -EAGAIN;
}

static int give_held(struct stream *stream, const struct direction *d)
{
	struct stream_way *way = d->way;
	ssize_t done = d->send(stream, way->held + way->at, way->size - way->at);

	if (done < 0 && done != -EAGAIN)
		return (int)done;
	way->at += (size_t)(done > 0 ? done : 0);
	if (way->at < way->size) {
		*d->out = false;
		return -EAGAIN;
	}
	free(way->held);
	way->held = NULL;
	return 0;
}

/* 0: there may be more; -EAGAIN: not now; else the connection is lost. */
static int move(struct stream *stream, const struct direction *d)
{
	static uint8_t bytes[CHUNK]; /* everyone's: nothing stays in it */
	struct stream_way *way = d->way;
	ssize_t got;
	int err = 0;

	if (way->held)
		err = *d->out ? give_held(stream, d) : -EAGAIN;
	if (err < 0)
		return err;
	if (way->ended || !*d->in || !*d->out)
		return -EAGAIN;
	got = d->receive(stream, bytes, sizeof(bytes));
	if (got == -EAGAIN)
		*d->in = false;
	if (got < 0)
		return (int)got;
	if (got == 0) {
		way->ended = true;
		return -EAGAIN;
	}
	return pass_on(stream, d, bytes, (size_t)got);
}

static int move_some(struct stream *stream, const struct direction *d)
{
	int err = 0;

	for (unsigned i = 0; i < CHUNKS && err == 0; i++)
		err = move(stream, d);
	return err;
}

int pump_up(struct stream *stream)
{
	const struct direction up = {&stream->up, &stream->near_in, &stream->far_out, near_receive,
				     far_send};

	return move_some(stream, &up);
}

int pump_down(struct stream *stream)
{
	const struct direction down = {&stream->down, &stream->far_in, &stream->near_out,
				       far_receive, near_send};

	return move_some(stream, &down);
}
