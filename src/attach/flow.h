/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes between two connected stream sockets, both ways, as if the two peers had one connection:
 *
 *  - what one end cannot take at once is held, one reading (FLOW_READ, or a pipe of pages where much flows) at most for each
 *    way, and the other end is not read meanwhile: a slow receiver slows its sender down, and memory is bounded. A flow that waits holds nothing;
 *  - the end of one way is passed on when all before it was; the other way goes on (half-close);
 *  - a connection that is reset resets the other one: a transfer that was cut off must not look complete.
 */
#pragma once

#include "attach/pages.h"
#include "base/loop.h"
#include "link/ahead.h"
#include "stack/stack.h"

#include <stddef.h>

/* Four of the largest packets that TCP hands down: 45 segments of 1448 bytes, as Ethernet has them with timestamps. With a
 * remainder of some hundred bytes 32 uploads had a seventh less: where TCP paces what it sends, that seems to be a packet of its own, which waits.
 * Less than this costs throughput where no link bounds it, most of all of many flows at once: each writing wakes somebody up. More costs
 * memory, and has left the processor's nearer cache before it is written. */
#define FLOW_READ (4 * 45 * 1448)

struct flow_way {           /* from one end to the other */
	uint8_t *held;      /* owned; NULL: nothing */
	size_t at, size;    /* held[at..size) is still to be written */
	struct pages pages; /* held as well, never both */
	bool bulk;          /* much comes at once: pages are moved instead of bytes */
	bool ended;         /* no more will be read */
	bool closed;        /* and the receiver knows */
	uint64_t moved;     /* bytes written */
};

struct flow_end {
	struct flow *flow;
	bool gone; /* it will neither send nor take anything any more */
	int error; /* negative errno: it is lost, but may have something to read still */
	struct loop_source source; /* its descriptor is owned by the flow */
	struct flow_way out;       /* what is read from here, for the other end */
};

struct flow {
	struct loop *loop;
	struct flow_end ends[2];
	/* Both ways have ended, or one end has gone and nothing it wrote is left (0), or a connection was lost (a
	 * negative errno). The flow is closed already, and its memory the callee's again; with @left_open the callee
	 * sees to that by flow_close(). */
	void (*over)(struct flow *flow, int code);
	bool left_open;
	/* What is read from @ends[1] goes no further ahead of the peer of @ends[0] than its links need. */
	bool bounded;
	struct ahead ahead;
	struct loop_timer later; /* until then nothing more is read from @ends[1] */
	/* That @ends[1] is of (@far_first: @ends[0]): by its calls it tells a reset from an end, and is reset. NULL: a socket of the host's
	 * kernel. */
	struct stack *stack;
	bool far_first;
	/* @ends[0] has gone: was it said (SO_LINGER) that what it has written, and is not sent, is thrown away? NULL: never. */
	bool (*is_abandoned)(struct flow *flow);
};

/* Moves bytes from now on. Takes the descriptors, which must not block, also if it fails; -ENOMEM and the like. May be over,
 * and say so, only later: never before it returns. The @early bytes were read from @a before. */
int flow_open(struct flow *flow, struct loop *loop, int a, int b, const void *early, size_t size);

/* Closes, and with @reset resets, both connections, without a word. */
void flow_close(struct flow *flow, bool reset);
void flow_abort(struct flow *flow);
/* Bytes that were read and are still to be written. */
size_t flow_held(const struct flow_way *way);
