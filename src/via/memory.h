/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which servers speak MPTCP, from one run to the next: a small file of the user's, $XDG_STATE_HOME/rivulet/servers or that below
 * ~/.local/state. It is a hint and no more: without it connections are made a little slower, and one that turns out otherwise is
 * led the other way. So whatever is wrong with the file, it is passed over in silence.
 *
 * A line is HASH WAY UNTIL: servers are not named, for whom somebody talks to is nobody else's business.
 */
#pragma once

#include "via/ways.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* A clock that a run lives by, and that which files are dated by, both in seconds. */
struct memory_clock {
	uint64_t now, wall;
};

/* Adds what a file says and is not known yet; lines that say nothing are left out. Pure. */
void memory_parse(struct ways *ways, const char *text, size_t size,
		  const struct memory_clock *clock);
/* What is known, for a file: the bytes that it takes. Pure. */
#define MEMORY_LINE_MAX 64
#define MEMORY_TEXT_MAX (WAYS_MEMORY * MEMORY_LINE_MAX)
size_t memory_text(const struct ways *ways, char ret[static MEMORY_TEXT_MAX],
		   const struct memory_clock *clock);

/* From the user's file; and into it, with what others have written meanwhile. */
void memory_load(struct ways *ways);
void memory_save(struct ways *ways);
