/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share among themselves. */
#pragma once

#include "attach/flow.h"
#include "attach/proxy/door.h"
#include "attach/proxy/proxy.h"
#include "attach/proxy/request.h"
#include "base/netlink.h"

#include <sys/queue.h>

#define PROXY_LOOKUPS_MAX 64 /* at once: each is two threads of the resolver */
#define CLIENT_TEXT_MAX   64

TAILQ_HEAD(clients, client);

struct proxy {
	struct proxy_options options;
	struct loop *loop;
	struct door doors[PROXY_DOORS_MAX];
	unsigned door_count;
	struct loop_source signals, supervisor; /* the first one's descriptor is owned */
	struct loop_timer resume;    /* listening, after descriptors or memory were short */
	struct loop_timer admit;     /* those that wait */
	struct nl *diag;             /* to ask who a client is; NULL: not known */
	struct clients all, waiting; /* all; of them, those that are to be dialled for */
	unsigned count, lookups;
	bool asking; /* the supervisor has not answered yet */
	struct proxy_totals totals;
};

enum client_state {
	CLIENT_ASKS,  /* its request is being read */
	CLIENT_WAITS, /* in the queue */
	CLIENT_DIALS,
	CLIENT_MOVES,  /* it is a flow */
	CLIENT_LEAVES, /* it has been refused, and is to have read that */
};

struct client {
	TAILQ_ENTRY(client) all, waiting;
	struct proxy *proxy;
	enum client_state state;
	bool queued;
	bool allowed; /* to use this proxy */
	bool local;   /* to reach the loopback */
	struct loop_source source, dialling_source;
	struct loop_timer timer; /* of what goes on: the request, the dialling, the leaving */
	struct asking *asking;   /* owned; until it is connected */
	struct dialling *dialling;
	struct flow flow;
	uint64_t since;
	char text[CLIENT_TEXT_MAX]; /* its address, and then what it is connected to */
};

/* Takes @fd. */
void client_open(struct proxy *proxy, int fd, bool allowed, bool local, const char *text);
/* Whatever it is doing. */
void client_close(struct client *client);
/* It was in the queue, and is not any more. */
void client_dial(struct client *client);
/* Is there a name to be looked up for it? */
bool client_has_name(const struct client *client);

/* The client has its request, and waits. */
void proxy_queue(struct proxy *proxy, struct client *client);
/* There is room for one more that waits. */
void proxy_admit(struct proxy *proxy);
/* The client is gone. */
void proxy_left(struct proxy *proxy, struct client *client);
