/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection whose first packet is not answered is tried over another link as well: whichever is answered first is it. If the first
 * fails, the other has five seconds, altogether, and then the first's error is what the program is told.
 * Where the program has chosen an address of its own, that is kept to.
 */
#pragma once

#include "lkl/network.h"
#include "lkl/streams.h"

/* It is connecting to @to. */
void race_begin(struct streams *streams, struct stream *stream, const struct sockaddr *to,
		socklen_t size);
/* What was set of the kernel's socket @from up to now holds for @to. */
void race_take_options(int from, int to);
/* It is not raced any more. */
void race_end(struct streams *streams, struct stream *stream);
/* How far has a connecting one come? 0: its far side is connected, whichever that is now; -EINPROGRESS; or why it failed. */
int race_settle(struct streams *streams, struct stream *stream);
/* Begins what is due; when that will be next, UINT64_MAX: not before a connection is made. @now is of clock_now(). */
uint64_t race_look(struct streams *streams, const struct network *network, uint64_t now);
