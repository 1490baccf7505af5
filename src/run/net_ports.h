/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rivulet-net does for NET_PORTS, NET_LISTEN and NET_MORE (net.h). */
#pragma once

#include "run/journal.h"
#include "run/net.h"

struct net_ports_server {
	bool opened;
	struct journal *journal; /* borrowed, as is what follows */
	const struct policy *policy;
	int client;
	enum port_kind way; /* that was asked for */
	bool grows;         /* as well */
	net_say say;
	void *data;
	struct netstack netstack;
	struct nl *watch; /* poll nl_fd() of it, then net_ports_follow(); NULL: cannot be had */
	struct port_hold *hold;
	struct port_end ends[NET_PORTS_MAX];
	unsigned count;           /* places; one without a descriptor is free */
	unsigned given;           /* so many ports there were */
	bool owes[NET_PORTS_MAX]; /* the client has yet to get what is there */
	bool owes_ranges;         /* to NET_MORE */
};

/* Gives the client a port of each link that is to be used; @ports has what is borrowed. Negative errno: it gets none, with the
 * reason. */
int net_ports_give(struct net_ports_server *ports, struct err *err);
/* The links may have changed: the host has what the ports need of it, and the client gets ports of those that have come. */
void net_ports_follow(struct net_ports_server *ports);
/* A client that does not read for a second gets what it waits for later: poll its socket for POLLOUT while anything is owed, then
 * tell. A negative errno: it goes on being owed, or the client is gone. */
bool net_ports_owes(const struct net_ports_server *ports);
int net_ports_tell(struct net_ports_server *ports);
/* One of the host's ports more, to listen on. */
void net_ports_listen(struct net_ports_server *ports, uint16_t number);
/* One range more, if it can be had, and an answer which there are then. */
void net_ports_more(struct net_ports_server *ports);
/* Does not take back what the host was set up with: bystanders_leave() does, before. */
void net_ports_free(struct net_ports_server *ports);
