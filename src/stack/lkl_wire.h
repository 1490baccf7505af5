/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How stack "lkl" (lkl.c) talks to the process that its kernel is in, rivulet-lkl (src/lkl): over a SOCK_SEQPACKET pair, whose
 * other end is that process's standard input. Each request is one message, answered by one, at once; a descriptor follows
 * its message (base/fds.h). Both are built together, so messages are plain data.
 *
 * A socket of the stack is one end of an AF_UNIX stream pair, whose other end rivulet-lkl has: bytes go through that. The
 * stack gives each a number. To be told something without bytes:
 *
 *  connecting  the stack fills its end before it asks, so that it does not poll writable; rivulet-lkl reads what filled it when
 *              the connection is decided
 *  listening   rivulet-lkl writes a byte when there is something to accept; the stack reads it when it asks for that
 *  lost        rivulet-lkl closes its end, and answers what it is asked of the name and the error (SO_ERROR) for a while still
 */
#pragma once

#include "link/multipath.h"
#include "link/policy.h"
#include "link/port.h"

#define LKL_HELPER       "rivulet-lkl"
#define LKL_PORTS_MAX    PORTS_MAX
#define LKL_DATA_MAX     512
#define LKL_WORDS_MAX    400
#define LKL_MEMORY       (32ULL << 20)
#define LKL_MEMORY_LEAST (16ULL << 20)

enum lkl_kind {
	LKL_START =
		1, /* struct lkl_start, then the descriptors of its ports. Answer: words, if it failed */
	LKL_PORTS,   /* struct lkl_start: the links have changed; those of new ports follow */
	LKL_MAKE,    /* @a: family; a descriptor follows */
	LKL_BIND,    /* data: the address; likewise LKL_CONNECT */
	LKL_CONNECT, /* @a: how many bytes fill the stack's end */
	LKL_LISTEN,  /* @a: backlog. Answer: data: the local address */
	LKL_ACCEPT,  /* @a: the number of the new socket; a descriptor follows */
	LKL_NAME,
	LKL_PEER,
	LKL_SET,      /* @a: level, @b: option, data: the value */
	LKL_GET,      /* @a: level, @b: option, @size: room for the value */
	LKL_SHUTDOWN, /* @a: how */
	LKL_UNSENT,   /* result: how many bytes */
	LKL_SERVES,   /* @a: port. Result: 1 if a socket listens on it, or 0 */
	LKL_LOOK, /* @a: so many subflows at most. Answer: struct lkl_sight, then a descriptor of memory with the subflows */
};

struct lkl_start {
	uint64_t memory;
	bool verbose;
	struct policy policy;
	struct port_range range;
	uint32_t port_count;
	struct port ports[LKL_PORTS_MAX];
};

struct lkl_request {
	uint32_t kind, socket;
	int32_t a, b;
	uint32_t size;
	union {
		uint8_t data[LKL_DATA_MAX];
		struct lkl_start start; /* sent only where it is needed */
	};
};

#define LKL_REQUEST_SIZE offsetof(struct lkl_request, data)

/* Of subflows, struct stack_subflow each. */
struct lkl_sight {
	uint32_t count, left_out;
	enum multipath_use use[LKL_PORTS_MAX];
};

struct lkl_answer {
	int32_t result;
	uint32_t size;
	uint8_t data[LKL_DATA_MAX];
};
