/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack for who makes connections on it: opened, and, where it has the packets of the host's links (packets.h) instead of the
 * sockets of the host's kernel, kept up with those links and with what is known of their prices (link/metered.h).
 */
#pragma once

#include "base/loop.h"
#include "run/packets.h"
#include "stack/stack.h"

struct linked_wishes {
	const struct policy *policy; /* what the links are for; NULL: no wishes */
	enum port_kind ports;        /* how it gets at them */
	uint64_t memory;             /* bytes, of its kernel; 0: its default */
	uint64_t stagger;            /* of struct stack_options */
	bool verbose;                /* show what its kernel says */
	bool explain, quiet;         /* what was done about links; nothing about them */
};

struct linked {
	struct stack *stack;    /* owned */
	struct packets packets; /* for a stack that needs them */
	struct linked_wishes wishes;
	struct policy policy; /* as it is now */
	struct loop *loop;
	struct loop_timer begin;   /* to follow prices */
	struct metered *metered;   /* NULL: nobody knows them */
	struct loop_source prices; /* of @metered: it has something to say */
};

/* There is nothing to close yet. */
#define LINKED_NONE                  \
	{                            \
		.packets.net.fd = -1 \
	}

/* For a stack that needs packets takes over @net, of net_start(). Borrows @loop, within which it follows links and prices. The caller
 * closes, also if it fails. */
int linked_open(struct linked *linked, const struct stack_ops *ops,
		const struct linked_wishes *wishes, int net, struct loop *loop, struct err *err);
void linked_close(struct linked *linked);
