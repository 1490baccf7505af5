/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a connected stream (streams.h), from one side to the other. A little at a time, and never more than a side takes:
 * the rest of what was read is held in the stream.
 */
#pragma once

#include "lkl/streams.h"

/* From the program to the net, and back. 0: there may be more to move; -EAGAIN: not before a side says so; else the connection is
 * lost: a negative errno, which is in stream->error where it is the net's. */
int pump_up(struct stream *stream);
int pump_down(struct stream *stream);
