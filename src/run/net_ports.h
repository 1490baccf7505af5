/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rivulet-net does for NET_PORTS and NET_LISTEN (net.h). */
#pragma once

#include "run/net.h"

struct net_ports_server {
	struct port_hold *hold; /* owned; NULL: none were asked for */
	int fds[NET_PORTS_MAX]; /* owned: copies of what was given out, for other filters */
	unsigned count;
};

/* Gives @client a port of each link that is to be used. Negative errno: it gets none, with the reason. */
int net_ports_give(struct net_ports_server *ports, int client, const struct policy *policy,
		   struct err *err);
int net_ports_hold(struct net_ports_server *ports, uint16_t port, struct err *err);
void net_ports_free(struct net_ports_server *ports);
