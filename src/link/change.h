/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One change to a network stack, and how it is taken back. A change is plain data without pointers,
 * so that a list of them can lie in shared memory or a file, and whoever is left over can undo it.
 */
#pragma once

#include "link/endpoint.h"
#include "link/netstack.h"
#include "link/route.h"

#include <stdbool.h>
#include <stddef.h>

enum change_kind {
	CHANGE_ROUTE,
	CHANGE_RULE,
	CHANGE_LIMITS,
	CHANGE_ENDPOINT,
	CHANGE_BACKLOG,
	CHANGE_FORWARDING,
	CHANGE_DEVICE,
	CHANGE_BLACKHOLE /* link/blackhole.h */
};

struct change {
	enum change_kind kind;
	union {
		struct route route;
		struct rule rule;
		struct endpoint endpoint;
		struct {
			struct endpoint_limits was, now;
		} limits;
		struct {
			uint32_t was, now;
		} backlog; /* link/backlog.h */
		struct {
			unsigned index;
			sa_family_t family;
		} forwarding; /* link/forwarding.h */
		struct {
			unsigned
				index; /* of a port (port_nat.h), which makes it: it is only taken back here */
		} device;
	};
};

/* 0; 1: the stack had it already and there is nothing to undo; -EPERM, ... from the kernel. */
int change_apply(struct netstack *stack, const struct change *change);

/* Takes it back. What is gone already is no error; limits are restored only while they are still
 * ours. */
int change_undo(struct netstack *stack, const struct change *change);

/* May the kernel take it back by itself, while what it is of seems to have stayed as it was? */
bool change_may_vanish(const struct change *change);

/* Do both ask for the same? */
bool change_equal(const struct change *a, const struct change *b);

/* Do both say something of the same endpoint, of the limits, or of how much sockets may hold, and not the same? */
bool change_rivals(const struct change *a, const struct change *b);
/* Of two such: is @a what holds, whichever was said first? What lets more through does; of endpoints neither. */
bool change_prevails(const struct change *a, const struct change *b);
/* Of two such: are they of an endpoint that keeps its subflows if one takes the other's place? */
bool change_is_mild(const struct change *was, const struct change *now);
/* The one takes the other's place, of limits and bounds only while they are still ours. As change_apply(). */
int change_replace(struct netstack *stack, const struct change *was, const struct change *now);

/* "rule from 10.0.0.2 lookup 5260003", for --dry-run and errors. Returns @text. */
const char *change_text(const struct change *change, char *text, size_t size);
