/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack for a program that opens one by itself, which has no packets of links to give it: `rivulet stack NAME` (run/serving.h), a
 * process that is nobody's child, gets those and opens it, and hands over a way to ask it. What the two say to each other goes over
 * a SOCK_SEQPACKET pair, whose other end is that process's standard input:
 *
 *  first, to the process     struct own_wish
 *  then, to the program      struct own_answer; if all is well, the descriptor of the way follows (base/fds.h)
 *  later, to the process     a uint16_t: the program listens on that port; 0: its connections need more ports
 *
 * It stays, with the stack, until the program has closed both and all sockets that it was given.
 */
#pragma once

#include "link/policy.h"

#include <stdint.h>

/* One of another size is of another version. */
struct own_wish {
	bool told; /* else the files say it all */
	struct policy policy;
};

struct own_answer {
	int32_t code; /* 0, or a negative errno with words */
	char words[1024];
};

#define OWN_PROGRAM "rivulet"
#define OWN_COMMAND "stack"
