/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `--via`: connections to servers that do not speak MPTCP go by a relay that does (via/server), inside TLS.
 *
 * A process of its own, the agent (via/agent), makes all connections, to servers and to the relay. Attachments get at it in
 * two ways, which are one to the agent:
 *
 *   steering (attach/steering.h)   a program's own socket is connected to the agent's door, a port of the loopback, and which of the
 *                            connections that come in there it is, is said beforehand: others are turned away. Or a
 *                            descriptor is given
 *   stack (stack/stack.h)    to dial by name
 */
#pragma once

#include "attach/steering.h"
#include "stack/stack.h"
#include "via/join.h"
#include "via/ways.h"

#include <limits.h>

/* Plain data without pointers but for the stack. */
struct via_options {
	struct join relay;
	char certificate[PATH_MAX],
		key[PATH_MAX]; /* files, to be known by at the relay; "": none */
	struct ways ways;
	bool explain, quiet;
	const struct stack_ops *stack; /* that connections are made on; who opens it says so */
};

struct via;

/* Starts the agent as a child of this process. It tells on @announce (attach/proxy/announce.h; -1: nobody) which sockets it makes,
 * keeps standard error, and none of the other descriptors. It lives until via_close(), or this process's end, and on
 * while bytes move. The caller closes. */
int via_open(struct via **ret, const struct via_options *options, int announce, struct err *err);
void via_close(struct via *via);

/* Whoever read standard error does not any more. */
void via_hush(struct via *via);

/* Owned by @via. */
struct steering *via_steering(struct via *via);
struct stack *via_stack(struct via *via);
