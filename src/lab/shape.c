/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/shape.h"

void shape_change(struct shape *shape, const struct shape *from, unsigned fields)
{
	if (fields & SHAPE_RATE) {
		shape->rate = from->rate;
		shape->trace = from->trace;
	}
	if (fields & SHAPE_DELAY)
		shape->delay = from->delay;
	if (fields & SHAPE_JITTER)
		shape->jitter = from->jitter;
	if (fields & SHAPE_LOSS)
		shape->loss = from->loss;
	if (fields & SHAPE_BURST)
		shape->burst = from->burst;
	if (fields & SHAPE_REORDER)
		shape->reorder = from->reorder;
	if (fields & SHAPE_QUEUE_PACKETS)
		shape->queue_packets = from->queue_packets;
	if (fields & SHAPE_QUEUE_BYTES)
		shape->queue_bytes = from->queue_bytes;
}
