/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound on what TCP sockets hold (link/backlog.h) that a caller of rivulet-net asked for, kept harmless: it is a whole
 * network namespace's, so it is never below what the neediest socket needs, whosever that is, which is looked at when
 * it is asked for and every second from then on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bound {
	uint32_t asked; /* bytes; 0: none */
	bool trusted;   /* who asks could set it himself */
	uint64_t at;    /* when to look again; UINT64_MAX: never */
};

/* The bound that holds from @now on, as was asked for or as looked at again; bytes, 0: none. */
uint32_t bound_look(struct bound *bound, uint64_t now);
