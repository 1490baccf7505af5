/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before a program talks to somebody new (it makes a socket), sees to it that the link which it will begin on is alive: a
 * connection that begins on a dead link is lost, and so is the look-up of a name.
 *
 * If nothing has come over that link for a second, its next hop is asked, and those of the other links: the program waits
 * for the answer, a round trip to the next hop, PATIENCE at most; the time in which this machine stands still, as virtual ones
 * do, does not count. If the link does not answer and another does, it is silent until it does; it is asked again every second
 * while the run lasts.
 */
#pragma once

#include "link/links.h"

#include <stdbool.h>
#include <stdint.h>

#define GATE_LINKS 8

struct gate_link {
	unsigned index;
	struct address gateway;
	uint64_t alive_at; /* when it last answered; 0: never */
};

/* Makes the kernel ask the next hop on @link; the answer shows in its table of neighbours. Negative errno: it cannot. */
typedef int (*gate_ask)(unsigned link, void *data);

struct gate {
	struct nl *nl; /* to see answers; borrowed. NULL: the gate stands open */
	gate_ask ask;
	void *data;
	struct gate_link links[GATE_LINKS];
	unsigned count;
	uint64_t asked_at, looked_at;
	uint64_t waited; /* since it asked, able to hear an answer */
	bool asking;     /* programs are to wait */
	unsigned dead;   /* the link that was found dead; 0: none */
};

/* What follows: the link does not answer (or does again). */
typedef void (*gate_act)(unsigned link, bool silent, void *data);

/* @nl is a NETLINK_ROUTE socket that the gate may use, the caller's. */
void gate_open(struct gate *gate, struct nl *nl, gate_ask ask, void *data);
/* It stands open from now on: nobody can ask any more. */
void gate_close(struct gate *gate);

/* Links have changed: @first is that on which connections begin, @others could carry them. Index 0 ends the list. */
void gate_links(struct gate *gate, const struct links *links, const unsigned *usable,
		unsigned first);

/* Something came over @link at @now. */
void gate_alive(struct gate *gate, unsigned link, uint64_t now);

/* A program makes a socket: true if it is to wait until gate_look() says that it need not. */
bool gate_holds(struct gate *gate, uint64_t now);

/* Until when it will not hold anybody: 0, it may now; UINT64_MAX: until something happens. */
uint64_t gate_stands_open(const struct gate *gate);

/* Looks for answers; call it at gate_next(). */
void gate_look(struct gate *gate, uint64_t now, gate_act act, void *data);

/* When to look, UINT64_MAX: not before something happens. */
uint64_t gate_next(const struct gate *gate, uint64_t now);
