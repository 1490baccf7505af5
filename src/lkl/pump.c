/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/pump.h"

#include "lkl/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define CHUNK  ((size_t)256 * 1024)
#define CHUNKS 4   /* received in a turn; one is sent, then what comes back is looked at */
#define PARTS  256 /* that a chunk may lie in */

static ssize_t near_send(struct stream *stream, struct iovec *parts, int count, size_t size)
{
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	ssize_t done = sendmsg(stream->near, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* A program that does not listen any more (SHUT_RD) loses what comes. Where one has gone the peer is to know, but first all
	 * that the program wrote. */
	if (done < 0 && errno == EPIPE && !(stream->gone && stream->up.closed))
		done = (ssize_t)size;
	else if (done < 0)
		done = -errno;
	if (done < (ssize_t)size && (done >= 0 || done == -EAGAIN))
		stream->near_out = false;
	return done;
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

	if (done < (ssize_t)size && (done >= 0 || done == -EAGAIN))
		stream->far_out = false;
	stream->sent += done > 0 ? (uint64_t)done : 0;
	return done;
}

/* 0: all; -EAGAIN: some is held still. */
static int went(struct stream_way *way, ssize_t done)
{
	if (done < 0 && done != -EAGAIN)
		return (int)done;
	way->at += (size_t)(done > 0 ? done : 0);
	if (way->at < way->size)
		return -EAGAIN;
	free(way->held);
	way->held = NULL;
	return 0;
}

/* 0: the kernel took all; -EAGAIN: the rest is held; else it is lost. */
static int send_up(struct stream *stream, const uint8_t *bytes, size_t size)
{
	struct stream_way *way = &stream->up;
	ssize_t done = far_send(stream, bytes, size);

	if (done < 0 && done != -EAGAIN)
		return (int)done;
	if (done == (ssize_t)size)
		return 0;
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

int pump_up(struct stream *stream)
{
	static uint8_t bytes[CHUNK]; /* everyone's: nothing stays in it */
	struct stream_way *way = &stream->up;
	size_t asked;
	ssize_t room, got;
	int err = 0;

	if (way->held)
		err = stream->far_out ? went(way, far_send(stream, way->held + way->at,
							   way->size - way->at))
				      : -EAGAIN;
	if (err < 0)
		return err;
	if (way->ended || !stream->near_in || !stream->far_out)
		return -EAGAIN;
	room = of_far(stream, kernel_room(stream->far));
	if (room == 0)
		stream->far_out = false;
	if (room <= 0)
		return room == 0 ? -EAGAIN : (int)room;
	asked = (size_t)room < CHUNK ? (size_t)room : CHUNK;
	got = recv(stream->near, bytes, asked, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		stream->near_in = false;
	if (got < 0)
		return -errno;
	way->ended = got == 0;
	if (got == 0)
		return -EAGAIN;
	/* That was all, and what comes later is told: to look for more would be a call for each message. */
	if ((size_t)got < asked && !stream->near_drains)
		stream->near_in = false;
	err = send_up(stream, bytes, (size_t)got);
	return err == 0 && !stream->near_in ? -EAGAIN : err;
}

static int give_held(struct stream *stream)
{
	struct stream_way *way = &stream->down;
	struct iovec part = {way->held + way->at, way->size - way->at};

	return stream->near_out ? went(way, near_send(stream, &part, 1, part.iov_len)) : -EAGAIN;
}

static int move_down(struct stream *stream)
{
	struct stream_way *way = &stream->down;
	struct iovec parts[PARTS];
	ssize_t there, done;
	int count = PARTS;
	int err = way->held ? give_held(stream) : 0;

	if (err < 0)
		return err;
	if (way->ended || !stream->far_in || !stream->near_out)
		return -EAGAIN;
	there = of_far(stream, kernel_peek(stream->far, CHUNK, parts, &count));
	if (there == -EAGAIN)
		stream->far_in = false;
	if (there < 0)
		return (int)there;
	way->ended = there == 0;
	if (there == 0)
		return -EAGAIN;
	done = near_send(stream, parts, count, (size_t)there);
	if (done < 0)
		return (int)done;
	kernel_drop(stream->far, (size_t)done);
	stream->received += (uint64_t)done;
	return stream->near_out ? 0 : -EAGAIN;
}

int pump_down(struct stream *stream)
{
	int err = 0;

	for (unsigned i = 0; i < CHUNKS && err == 0; i++)
		err = move_down(stream);
	return err;
}
