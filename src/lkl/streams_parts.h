/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of streams share: streams.c has all of them, connecting.c those that are not connected, connected.c those that
 * are. */
#pragma once

#include "lkl/streams.h"

#include <sys/epoll.h>

/* With EPOLLOUT only while there is no room (stream->awaits_room): else each message that a program takes would wake us up. */
#define STREAM_NEAR_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* It may have something to move. */
void stream_enqueue(struct streams *streams, struct stream *stream);
/* Closes both sides; it is freed later. */
void stream_end(struct streams *streams, struct stream *stream);
int stream_watch_far(struct streams *streams, struct stream *stream);
/* It is connected, or (@error > 0) will not be. */
void stream_decide(struct streams *streams, struct stream *stream, int error);
/* Of a connected one: moves some bytes, and ends it if it has come to that. */
void stream_advance(struct streams *streams, struct stream *stream);
/* Tells its owner, if it has one still, that he is rid of it. */
void stream_tell_end(struct stream *stream);
/* Its owner has closed his end: nobody wants it any more. */
void stream_disowned(struct streams *streams, struct stream *stream);
