/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the relay's files share:
 *
 *  server.c   doors, limits
 *  strangers.c   who makes room for whom
 *  visitor.c  a connection's life until it is known what it wants: TLS, request, who it is
 *  onward.c   the connection that it wants, and its bytes
 *  record.c   what is written down of it
 *  clients.c  who is known
 */
#pragma once

#include "attach/proxy/request.h"
#include "base/loop.h"
#include "base/tls.h"
#include "via/carriage.h"
#include "via/server/clients.h"
#include "via/server/server.h"
#include "via/server/strangers.h"

#include <sys/queue.h>

#define LOOKUPS_MAX 64 /* at once: each is two threads of the resolver */

enum visitor_state {
	VISITOR_SHAKES, /* or has not sent anything */
	VISITOR_ASKS,
	VISITOR_WAITS, /* for its name to be looked up */
	VISITOR_DIALS,
	VISITOR_CARRIES,
	VISITOR_LEAVES, /* it has been refused, and is to have read that */
};

/* What is needed until it is connected. */
struct wish {
	struct request request;
	size_t size; /* of @in; in the end what is for the other end */
	uint8_t in[REQUEST_IN_MAX];
};

TAILQ_HEAD(visitors, visitor);

struct visitor {
	TAILQ_ENTRY(visitor) all, queue; /* the queue: of those that wait */
	struct server *server;
	enum visitor_state state;
	struct stranger stranger;  /* until it is known */
	bool waiting;              /* it is in that queue */
	struct loop_source source; /* owned, until it is carried */
	struct loop_timer timer;
	struct tls *tls;   /* owned; NULL: plain, or nothing has come */
	struct wish *wish; /* owned; NULL: nothing has come, or all that is over */
	struct dialling *dialling;
	struct loop_source direction; /* of the dialling */
	struct carriage carriage;
	int client; /* its number; -1: not known, or nobody needs to be */
	uint64_t since;
	struct address from;
	struct sockaddr_storage to; /* the address that was dialled last */
	char host[REQUEST_HOST_MAX + 1], port[REQUEST_PORT_SIZE];
};

struct server_door {
	struct server *server;
	struct loop_source source; /* owned */
	char text[64];
};

struct server {
	struct server_options options;
	struct loop loop;
	struct tls_keys *keys; /* owned; NULL: plain */
	struct server_door doors[SERVER_DOORS_MAX];
	unsigned door_count;
	struct loop_source signals; /* owned */
	struct loop_timer resume;   /* listening, after descriptors or memory were short */
	struct visitors all, waiting;
	struct strangers strangers;
	unsigned count, lookups;
	unsigned *of_client;        /* owned: connections of each */
	uint64_t turned_away, told; /* without a line of their own; how many were told of */
	uint64_t told_at;
	bool log_lost;        /* the last line could not be written */
	uint64_t lines_since; /* a second's beginning, and lines of strangers in it */
	unsigned lines;
};

/* visitor.c. Takes @fd. */
void visitor_open(struct server *server, int fd, const struct sockaddr *from);
/* Whatever it is doing; with @result it is written down. */
void visitor_close(struct visitor *visitor, const char *result);
/* The answer to its request: @code 0, or why not (@request->why has the words). */
int visitor_answer(struct visitor *visitor, int code, const struct sockaddr *local);
void visitor_refuse(struct visitor *visitor, int code);

/* onward.c */
void visitor_go_onward(struct visitor *visitor);
void onward_close(struct visitor *visitor);
/* The time of the dialling has come. */
void onward_go_on(struct visitor *visitor);
/* The visitor has gone while it waited. */
void onward_lost(struct visitor *visitor);
/* Look-ups have ended: others may begin. */
void onward_admit(struct server *server);

/* record.c */
void record_write(const struct visitor *visitor, const char *result);
/* One more that was never anybody's, and gets no line of its own; one line a second tells how many there were. */
void record_turned_away(struct server *server);
