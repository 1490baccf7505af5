/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay (`rivulet relay`): takes connections by MPTCP, inside TLS 1.3 or plain, reads whom they are for (HTTP CONNECT,
 * SOCKS5), and goes on by TCP. One process, one loop. What a client can take is bounded:
 *
 *  - until it is known who it is, in number and in number for each address (strangers.h: what costs nothing keeps nobody
 *    out), in time, and in memory: nothing is kept for one that has sent nothing;
 *  - then by a limit for each client, and one for all.
 *
 * Where it connects to is looked at after names were looked up (reach.h).
 */
#pragma once

#include "base/err.h"
#include "stack/stack.h"
#include "via/reach.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SERVER_DOORS_MAX 8

struct clients;

/* Borrowed while the server lives, but for @clients. */
struct server_options {
	const char *listen[SERVER_DOORS_MAX]; /* server_check_door() */
	unsigned listen_count;
	bool plain;
	const char *certificate, *key; /* files in PEM, unless @plain */
	struct clients *clients;       /* who is known; NULL: everyone may. The server's */
	struct reach reach;
	unsigned limit, client_limit; /* connections at once: of all, of one client */
	struct stack *in, *out;       /* that connections are taken on, and made on */
	FILE *log;                    /* a line of JSON for each connection; NULL: none */
	/* On SIGHUP: puts what is to hold from now on into @fresh, which is as the options are, but has no clients. */
	int (*renew)(struct server_options *fresh, void *data, struct err *err);
	void *data;
};

struct server;

/* Is @where "ADDRESS:PORT", "[IPV6]:PORT" or ":PORT"? -EINVAL: it is not. */
int server_check_door(const char *where, struct err *err);

/* Listens; the caller closes. Takes the clients, also if it fails. Raises the process's limit of descriptors as far as it may. */
int server_open(struct server **ret, const struct server_options *options, struct err *err);
void server_close(struct server *server);
/* Where it listens, by number; NULL: there are no more. */
const char *server_door(const struct server *server, unsigned number);
/* What it wants to be told by: the caller has to block these. */
void server_signals(sigset_t *ret);
/* Serves until SIGINT or SIGTERM, or the SIGHUP of a terminal that has gone, but for what this process was started to ignore; the
 * SIGHUP of somebody who sends it makes what was read of files be read again: certificate and key, and what @renew does. */
int server_run(struct server *server);
