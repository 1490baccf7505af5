/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachment "proxy": programs that can be told of a proxy (SOCKS5, HTTP CONNECT) have their connections made on a stack,
 * whatever the kernel or the program is: no seccomp, nothing of theirs is touched.
 *
 * One process, one event loop (base/loop); a client is a request (request.h), then a dialling (stack.h), then a flow (flow.h).
 * What one client can take is bounded in memory and, until it is connected, in time; so is the number of clients. Those
 * that come beyond it wait in the kernel's queue.
 *
 * On a machine that several people use, anybody could reach a port of the loopback. So each client's user is looked up
 * and only the proxy's own, and root, are served.
 */
#pragma once

#include "base/err.h"
#include "base/loop.h"
#include "stack/stack.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROXY_DOORS_MAX   8
#define PROXY_CLIENTS_MAX 65536

struct proxy_options {
	const char *listen[PROXY_DOORS_MAX]; /* door.h */
	unsigned listen_count;
	bool allow_anyone;   /* other users, and with such a door other machines */
	unsigned limit;      /* clients at once */
	struct stack *stack; /* borrowed */
	int supervisor;      /* announce.h; borrowed; -1: none */
	struct loop *loop;   /* borrowed: what it does is done from within it */
	FILE *log;           /* a line for each decision; NULL: none */
};

struct proxy_totals {
	unsigned clients; /* that came */
	unsigned
		refused; /* of them, what they asked for was no request, or not theirs to ask for */
	unsigned failed; /* of them, could not be connected */
	unsigned connected; /* of them */
	uint64_t sent, received;
};

struct proxy;

/* Listens; the caller closes with proxy_close(). Raises the process's limit of descriptors as far as it may. */
int proxy_open(struct proxy **ret, const struct proxy_options *options, struct err *err);
void proxy_close(struct proxy *proxy);

/* Where it listens, by number; NULL: there are no more. */
const char *proxy_door(const struct proxy *proxy, unsigned number);

/* Serves until SIGINT, SIGTERM or SIGHUP, which the caller has blocked, then cuts all connections off. Negative errno: the loop cannot go
 * on. */
int proxy_run(struct proxy *proxy, struct proxy_totals *ret);
