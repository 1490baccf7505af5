/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet status` of a run on a stack that is not the host's: what is seen in the stack, on the links whose packets it has. */
#pragma once

#include "base/loop.h"
#include "run/net.h"
#include "run/status.h"
#include "stack/stack.h"

struct relaying_status {
	pid_t pid;                     /* of `rivulet run` */
	char *const *argv;             /* borrowed: the program, NULL at the end */
	bool ended;                    /* it has, and processes that it started go on */
	const struct net_ports *ports; /* borrowed */
	struct stack *stack;           /* borrowed */
	struct status status;
	struct loop_source asks; /* who wants to know */
};

/* The links as the stack knows them: behind the host a link has other addresses than there. */
void relaying_links(const struct net_ports *ports, struct link ret[static NET_PORTS_MAX]);
/* Answers from within @loop. Not where the stack's connections are those of the host's kernel, which all could be looked through. */
void relaying_status_open(struct relaying_status *status, struct loop *loop);
void relaying_status_close(struct relaying_status *status, struct loop *loop);
