/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which socket options an MPTCP socket treats otherwise than a TCP socket, and how a program that
 * holds the one and believes to hold the other is answered. Pure: a table and what follows from it.
 *
 * The table knows the options of Linux 5.6 to 6.18; numbers that are in none of them are the
 * kernel's. Calls that programs make often are asked about only where the answer may be another one than the
 * kernel's, but in 32-bit programs (filter.h).
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

/* What is called often and not among them, in @ret, by names: @level is an index of option_levels. */
void options_spared(const struct option_traps *traps, unsigned level,
		    enum option_direction direction, bool ret[static OPTION_NAMES]);

/* Writes the fewest blocks of aligned powers of two that have all names in @wanted and none in @spared, and returns their number.
 * What is in neither may be in them: each block is a rule, and many rules cost more at each start than a call that is asked about
 * for nothing. */
unsigned options_blocks(const bool wanted[static OPTION_NAMES],
			const bool spared[static OPTION_NAMES],
			struct option_block ret[static OPTION_NAMES]);
