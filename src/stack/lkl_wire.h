/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How stack "lkl" (lkl.c) talks to the process that its kernel is in, rivulet-lkl (src/lkl): over a SOCK_SEQPACKET pair, whose
 * other end is that process's standard input. Each request is one message, answered by one, at once, and descriptors come with the
 * message (base/fds.h): who asks may be killed at any moment, and what it has sent then must be whole, or nothing. Both are built
 * together, so messages are plain data.
 *
 * A second such pair may be handed over (LKL_ADMIT): the way of one who has the stack from somebody else (own_wire.h).
 *
 * A socket of the stack is one end of an AF_UNIX stream pair, whose other end rivulet-lkl has: bytes go through that. It is named
 * by the cookie of that end (SO_COOKIE), which whoever has the descriptor finds out, and which no other socket ever has. To be told
 * something without bytes:
 *
 *  connecting  the stack fills its end before it asks, so that it does not poll writable; rivulet-lkl reads what filled it when
 *              the connection is decided
 *  listening   rivulet-lkl writes a byte when there is something to accept, and takes it back when it is asked for that: for the same
 *              reason it gets a copy of the stack's end then
 *  lost        rivulet-lkl closes its end, and answers what it is asked of the name and the error (SO_ERROR) for a while still
 *
 * Under the relay the bytes of a connected socket go past that process (LKL_CARRY): rivulet-lkl then has the other end of what the
 * program holds.
 */
#pragma once

#include "link/ledger.h"
#include "link/multipath.h"
#include "link/policy.h"
#include "link/port.h"

#define LKL_HELPER       "rivulet-lkl"
#define LKL_PORTS_MAX    PORTS_MAX
#define LKL_DATA_MAX     512
#define LKL_ANSWER_MAX   8192
#define LKL_WORDS_MAX    400
#define LKL_MEMORY       (64ULL << 20)
#define LKL_MEMORY_LEAST (16ULL << 20)

enum lkl_kind {
	LKL_START =
		1, /* struct lkl_start, with the descriptors of its ports. Answer: words, if it failed */
	/* struct lkl_start: the links, or the ranges, have changed; with the descriptors of new ports (serial). Answer: data: LKL_SCARCE,
	 * or none, also if a link could not be set up */
	LKL_PORTS,
	LKL_ADMIT,   /* with a descriptor: another way to ask, whose user's sockets outlive it */
	LKL_MAKE,    /* @a: family; with a descriptor */
	LKL_BIND,    /* data: the address; likewise LKL_CONNECT */
	LKL_CONNECT, /* @a: how many bytes fill the stack's end. Result: LKL_TO_HOST: nothing was done, it leads to the host. Answer:
		     * data: LKL_SCARCE, or none */
	LKL_LISTEN,  /* @a: backlog. Answer: data: the local address */
	LKL_ACCEPT, /* data: the new socket's cookie; with its descriptor, and a copy of the listening one's */
	LKL_NAME,
	LKL_PEER,
	LKL_SET, /* @a: level, @b: option, data: the value */
	LKL_GET, /* @a: level, @b: option, @room for the value; data: what of it is asked with */
	LKL_SHUTDOWN, /* @a: how; with a copy of the descriptor */
	LKL_UNSENT,   /* result: how many bytes */
	/* With two descriptors: the one that the bytes go through from now on, and a copy of the stack's end, which is only told how the
	 * connection ended (struct stack_carried) */
	LKL_CARRY,
	LKL_LOOK, /* @a: so many subflows at most. Answer: struct lkl_sight, with a descriptor of memory with the subflows */
	LKL_LINK, /* data: a local address. Answer: the name of its link */
};

#define LKL_TO_HOST 1
#define LKL_SCARCE  1 /* a byte: the port numbers are nearly used up */

struct lkl_start {
	uint64_t memory;
	bool verbose;
	struct policy policy;
	struct port_ranges ranges;
	uint32_t answers; /* to the wish for more of them (LKL_SCARCE), up to now */
	uint32_t port_count;
	struct port ports[LKL_PORTS_MAX];
};

struct lkl_request {
	uint32_t kind;
	uint32_t sequence; /* any: the answer's */
	uint64_t socket;   /* its cookie */
	int32_t a, b;
	uint32_t room, size; /* of the answer's data; of data */
	union {
		uint8_t data[LKL_DATA_MAX];
		struct lkl_start start; /* sent only where it is needed */
	};
};

#define LKL_REQUEST_SIZE offsetof(struct lkl_request, data)

/* Of subflows, struct stack_subflow each; and what all that there were amount to. */
struct lkl_sight {
	uint32_t count, left_out;
	enum multipath_use use[LKL_PORTS_MAX];
	struct ledger_sum sum;
};

struct lkl_answer {
	int32_t result;
	uint32_t sequence;
	uint32_t size;
	uint8_t data[LKL_ANSWER_MAX];
};

#define LKL_ANSWER_SIZE offsetof(struct lkl_answer, data)
