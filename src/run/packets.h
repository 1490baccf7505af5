/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets of the host's links for a run's stack: had from rivulet-net, and followed when links change. */
#pragma once

#include "base/loop.h"
#include "run/net.h"
#include "stack/stack.h"

struct packets {
	struct net net;
	struct net_ports ports;
	struct nl *watch, *route; /* NULL: changes of links are not seen */
	struct loop_source links, words;
	struct loop *loop;
	net_say say;
	void *data;
	enum port_kind way; /* that is asked for */
	/* Some link has changed: @packets->ports says how it is now. */
	void (*changed)(struct packets *packets);
};

/* Takes over @fd, of net_start(). Borrows @loop. A negative errno: there are none. */
int packets_open(struct packets *packets, int fd, const struct policy *policy, struct loop *loop,
		 struct err *err);
/* As a stack is opened with them; @memory and @policy are the caller's to add. */
struct stack_links packets_links(struct packets *packets);
void packets_close(struct packets *packets);
