/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which socket options an MPTCP socket treats otherwise than a TCP socket, and how a program that
 * holds the one and believes to hold the other is answered. Pure: a table and what follows from it.
 *
 * The table knows the options of Linux 5.6 to 6.18; numbers that are in none of them are the
 * kernel's. Calls of options that the kernel's MPTCP serves are not asked about and cost nothing, but in
 * 32-bit programs (filter.h).
 */
#pragma once

#include <stdbool.h>

enum option_answer {
	/* MPTCP serves it as TCP does; on a kernel where it refuses, it is as OPTION_MODEL. */
	OPTION_KERNEL,
	/* Left to the kernel, even where it refuses: it cannot be imitated, and an error that says
	 * so is better than a promise that is not kept. */
	OPTION_LEFT,
	/* What a plain TCP socket says to the same call, which is remembered and has no effect. */
	OPTION_MODEL,
	/* MPTCP serves it until the socket is connected; from then on as OPTION_MODEL. */
	OPTION_UNTIL_CONNECTED,
	/* A fact of the route to the peer, once there is one; before, as OPTION_MODEL. */
	OPTION_ROUTE,
	/* As OPTION_MODEL, but nothing is taken: an error of TCP's own says so. Not even of a
	 * connection that fell back to TCP. */
	OPTION_REFUSED,
};

enum option_direction { OPTION_SET, OPTION_GET, OPTION_DIRECTIONS };

struct option_how {
	enum option_answer answer;
	int error; /* of OPTION_REFUSED: positive errno */
};

/* How setsockopt() or getsockopt() of @name at @level is answered. Any numbers may be asked for. */
struct option_how options_how(int level, int name, enum option_direction direction);

/* The levels that have a table: SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6. */
#define OPTION_LEVELS 4
extern const int option_levels[OPTION_LEVELS];

/* Names are below this, at every level. */
#define OPTION_NAMES 128

/* The calls that are to be asked about. */
struct option_traps {
	bool trapped[OPTION_LEVELS][OPTION_DIRECTIONS][OPTION_NAMES];
};

/* Those that the table asks for, where the kernel serves all that it is expected to. */
struct option_traps options_traps(void);

/* Is this call among them? Any numbers may be asked for. */
bool options_trapped(const struct option_traps *traps, int level, int name,
		     enum option_direction direction);

/* A set of names as a filter can match it: those n with (n & mask) == value. */
struct option_block {
	unsigned mask, value;
};

/* Writes the fewest blocks of aligned powers of two that are the names in @trapped, and returns
 * their number. */
unsigned options_blocks(const bool trapped[static OPTION_NAMES],
			struct option_block ret[static OPTION_NAMES]);
