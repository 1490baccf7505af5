/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: one process and one loop that make a run's connections (via/via.h). What its files share:
 *
 *  agent.c    requests come in, and connections at the door; the end
 *  errand.c   a request, until it is answered: directly, by the relay, or both until one is decided
 *  line.c     a connection to the relay, up to the reply to CONNECT
 *  pool.c     lines that are ready before they are needed
 *  transfer.c bytes between the door, or a socket pair, and what was connected
 */
#pragma once

#include "base/loop.h"
#include "base/tls.h"
#include "stack/stack.h"
#include "via/carriage.h"
#include "via/exchange.h"
#include "via/via.h"
#include "via/wire.h"

#include <sys/queue.h>

/* -- lines ------------------------------------------------------------------------------------------------------------ */

enum line_state {
	LINE_DIALS,
	LINE_SHAKES,
	LINE_READY, /* it may be asked */
	LINE_ASKS,
	LINE_DONE, /* what it was asked for is connected: it is the connection's */
};

struct line {
	struct agent *agent;
	enum line_state state;
	struct dialling *dialling; /* owned */
	struct loop_source
		source; /* its descriptor is owned, but the dialling's while that goes on */
	struct loop_timer timer;
	struct tls *tls; /* owned; NULL: plain */
	char ask[EXCHANGE_ASK_MAX];
	size_t ask_size, asked;
	uint8_t *in; /* owned: what was read of the reply, and after it what the other end sent */
	size_t in_size, in_used;
	bool was_ready; /* it may have been closed by the relay meanwhile */
	/* It is ready or connected (0) or lost (a negative errno, and why; the line is to be closed by the callee). */
	void (*over)(struct line *line, int code);
	void *data;
	struct err why;
	bool answered; /* the relay itself said why */
	TAILQ_ENTRY(line) link;
};

/* Begins to connect. NULL: out of memory. May be over only later. */
struct line *line_open(struct agent *agent, void (*over)(struct line *line, int code), void *data);
void line_close(struct line *line);
/* Of one that is ready: asks for a connection. */
void line_ask(struct line *line, const char *host, const char *port);

/* Lines that are ready, or will be. */
struct pool {
	TAILQ_HEAD(, line) ready, coming;
	unsigned ready_count, coming_count, wanted;
	struct loop_timer timer; /* the next look after their age */
	unsigned failures;       /* in a row */
};
void pool_open(struct agent *agent);
void pool_close(struct agent *agent);
/* One that is ready, now the caller's; NULL: none. Sees to it that there will be more. */
struct line *pool_take(struct agent *agent);

/* -- errands ---------------------------------------------------------------------------------------------------------- */

struct errand {
	struct agent *agent;
	struct via_request request;
	struct loop_source reply;  /* owned */
	struct loop_source theirs; /* owned: the connection at the door; -1: it has not come */
	uint32_t held;             /* bytes of it that are nobody's, and still to come */
	enum way way;              /* what was known */
	struct dialling *dialling; /* directly; owned */
	struct loop_source direct;
	struct loop_timer timer; /* of the dialling; then, of waiting at the door */
	int spare;               /* owned: connected directly, by plain TCP */
	struct line *line;       /* by the relay; owned */
	bool retried;
	bool connected; /* and waits for its connection at the door */
	int direct_code, line_code;
	struct err direct_why, line_why;
	TAILQ_ENTRY(errand) link;
};

/* Takes both descriptors; @theirs: -1 if it has not come in at the door. */
void errand_open(struct agent *agent, const struct via_request *request, int reply, int theirs);
void errand_close(struct errand *errand);
/* Its connection has come in at the door: takes @fd. */
void errand_join(struct errand *errand, int fd);

/* -- transfers -------------------------------------------------------------------------------------------------------- */

struct transfer {
	struct agent *agent;
	struct carriage carriage;
	TAILQ_ENTRY(transfer) link;
};

/* Moves bytes between @near and @fd or, if there is one, @line. All are taken, also if it fails. */
int transfer_open(struct agent *agent, int near, int fd, struct line *line);
void transfers_close(struct agent *agent);
/* Bytes that have moved so far in those that go on. */
uint64_t transfers_moved(const struct agent *agent);

/* -- the agent -------------------------------------------------------------------------------------------------------- */

/* What came in at the door before it was told of. It is turned away, as a stranger, if that takes longer than ARRIVAL_PATIENCE, or if
 * ARRIVALS_MAX others come meanwhile. A connection that was told of, and does not come in for as long, has failed. */
#define ARRIVAL_PATIENCE (5 * NS_PER_S)
#define ARRIVALS_MAX     64
struct arrival {
	int fd; /* owned */
	struct sockaddr_storage from;
	uint64_t until;
};

#define DOORS 2 /* IPv4, IPv6 */
struct agent_door {
	struct agent *agent;
	struct loop_source source; /* its descriptor is owned */
};

struct agent {
	struct loop loop;
	struct via_options options;  /* whose ways learn */
	struct stack *stack;         /* owned */
	struct tls_keys *keys;       /* owned; NULL: plain */
	int announce;                /* owned; -1: none */
	struct loop_source requests; /* its descriptor is owned */
	struct agent_door doors[DOORS];
	struct arrival arrivals[ARRIVALS_MAX]; /* the oldest first */
	unsigned arrival_count;
	struct loop_timer strangers; /* the oldest arrival is one, by then */
	struct pool pool;
	TAILQ_HEAD(errand_list, errand) errands;
	TAILQ_HEAD(, transfer) transfers;
	uint64_t complained_at;      /* of the relay; 0: never */
	bool deserted;               /* nobody will ask any more */
	struct loop_timer last_look; /* whether bytes still move then */
	uint64_t moved, moved_at;
};

/* The whole life of the process; its exit code. The descriptors are taken. */
int agent_main(const struct via_options *options, int requests, const int doors[static DOORS],
	       int announce);
/* Before a socket of the agent's is connected: the supervisor is told. For struct stack_dial. */
int agent_announce(int fd, const struct sockaddr *to, void *data);
