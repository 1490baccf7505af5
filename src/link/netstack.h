/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Linux network stack to configure: the netlink sockets that lead to it. The host's kernel in the
 * caller's network namespace, or any other kernel that hands out netlink sockets; the users do not
 * ask.
 */
#pragma once

#include "base/netlink.h"

struct netstack {
	struct nl *route;   /* NETLINK_ROUTE; owned */
	struct nl *generic; /* NETLINK_GENERIC; owned */
	uint16_t mptcp;     /* the family of its path manager; 0: it has none */
};

/* The host's, in the calling thread's network namespace. Close with netstack_close(). */
int netstack_open_host(struct netstack *ret);
void netstack_close(struct netstack *stack);
