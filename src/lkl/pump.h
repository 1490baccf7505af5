/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a connected stream (streams.h), from one side to the other. A little at a time, and never more than a side takes: of
 * the program's no more is read than the kernel has room for, which holds for most times, and the rest is held in the stream; what came from
 * the net is given to the program from where it lies in the kernel, and stays there if there is no room for it.
 */
#pragma once

#include "lkl/streams.h"

/* From the program to the net, and back. 0: there may be more to move; -EAGAIN: not before a side says so; else the connection is
 * lost: a negative errno, which is in stream->error where it is the net's. */
int pump_up(struct stream *stream);
int pump_down(struct stream *stream);
