/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachment "relay": programs hold AF_UNIX sockets (near.h) where they asked for TCP ones, and this process has a socket of
 * the stack for each (the far side). Calls that make, name or configure a socket are answered here, by asking the far side, so
 * that answers and errors are those of the stack; bytes go through a flow; waiting is the program's own, on its own descriptor.
 *
 *      program ── near (AF_UNIX) ═ flow ═ far (the stack's) ── peer
 *
 * A stack in another process may move the bytes itself (carry() of stack.h): it gets our end of the near side, and each message wakes
 * up one process less.
 *
 * One thread and one loop serve it all. These are the parts of it that its files share:
 *
 *  relay.c    the row of the table; whose call it is
 *  sockets.c  all sockets, and which of them are nobody's any more
 *  connect.c  connect()
 *  listen.c   bind(), listen(), accept()
 *  state.c    shutdown(), ioctl()
 *  carry.c    connections whose bytes do not come by here
 *  names.c    names
 *  options.c  options
 */
#pragma once

#include "attach/attachment.h"
#include "attach/call.h"
#include "attach/caller.h"
#include "attach/flow.h"
#include "attach/notify.h"
#include "attach/relay/near.h"
#include "base/loop.h"
#include "stack/stack.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum relayed_state {
	RELAYED_FRESH, /* neither connected nor listening */
	RELAYED_CONNECTING,
	RELAYED_CONNECTED, /* bytes are moved */
	RELAYED_FAILED,    /* what did not wait for its connection will not have it */
	RELAYED_LISTENING,
	RELAYED_OVER /* they were */
};

/* A call that is answered later. */
struct waiter {
	struct relayed *socket;
	struct call call;
	struct loop_timer timer; /* when it has waited enough (SO_RCVTIMEO, SO_SNDTIMEO) */
	TAILQ_ENTRY(waiter) link;
};

struct relayed {
	struct relay *relay;
	enum relayed_state state;
	uint64_t cookie; /* of the near side, by which it is found; 0: not accepted yet */
	uint32_t inode;
	pid_t pid; /* who was seen to hold it last, and as what */
	int fd;
	int family;
	int far; /* owned; -1: none (any more) */
	/* While a route makes the connection: its answer, and what will be the far side. Owned; -1: none. */
	int pending, entering;
	bool routed; /* that is a socket of the host's; it has @peer, and no name of its own */
	int error;   /* that SO_ERROR tells next: positive; 0: none */
	bool untold; /* who did not wait for its connection has not asked connect() again */
	/* While it is connecting or listening: the program's side is held. */
	int near;    /* owned; our end; -1: none, or the flow's */
	size_t held; /* bytes that fill it */
	struct loop_source far_source, near_source;
	struct loop_timer retry; /* of a listening one that could not take a connection */
	TAILQ_HEAD(, waiter) waiters;
	TAILQ_HEAD(, relayed) arrivals; /* of a listening one: connected, but not accepted yet */
	/* While it is connected. */
	bool carried; /* by the stack itself: there is no flow */
	struct flow flow;
	int theirs; /* owned; the program's end of an arrival; else -1 */
	/* Names: the peer of an arrival, or of one that a route connected; its own, when it is over. */
	struct sockaddr_in6 peer, own;
	socklen_t peer_size, own_size;
	TAILQ_ENTRY(relayed) link; /* among arrivals, or of those that may be nobody's */
};

struct relay {
	struct attachment attachment;
	struct stack *stack; /* not owned */
	const struct stack_calls *calls;
	struct steering *steering; /* asked before each connection; NULL: none is */
	struct loop *loop;         /* not owned */
	struct loop_source questions;
	struct notify notify;
	struct home home;
	struct near near;
	void *sockets;                   /* a tree, by cookie */
	TAILQ_HEAD(, relayed) unwatched; /* those whose end nobody tells us */
	unsigned unwatched_count, sweep_at;
	uint64_t moved, moved_at; /* bytes, and when more of them had moved, for the last time */
	unsigned flows;           /* that are going on */
	bool deserted;            /* no program is left that could ask */
};

/* sockets.c */
struct relayed *relayed_new(struct relay *relay, int family, int far);
/* Closes all that it owns. What is in a flow is reset. */
void relayed_free(struct relayed *socket);
/* From now on it is found by the near side @fd. */
int relayed_name(struct relayed *socket, int fd);
/* It is not found any more. */
void relayed_unname(struct relayed *socket);
struct relayed *relay_find(struct relay *relay, int fd);
/* Nobody will tell if it goes: it is looked at now and then. */
void relayed_unwatched(struct relayed *socket);
void relayed_watched(struct relayed *socket);
/* Frees those that nobody holds any more. */
void relay_sweep(struct relay *relay);
/* Starts moving bytes between @near, which it takes over, and the far side. */
int relayed_connect(struct relayed *socket, int near);
/* No bytes are moved any more, so many were. @error: it was cut off, which the program is to be told (a negative errno); else 0. */
void relayed_over(struct relayed *socket, int error, uint64_t sent, uint64_t received);

/* carry.c: takes @near over if the stack moves the bytes of that one itself, @socket->carried. */
int relayed_carry(struct relayed *socket, int near);
/* The stack has an answer no more. Was it over by then, which we had not heard yet? */
bool relayed_has_ended(struct relayed *socket);

/* The program's side of a connecting or listening one is held, and watched: who closes it is seen to. */
int relayed_hold(struct relayed *socket, int theirs);
/* A duplicate, the caller's, of what the program held when it was last seen; -1. */
int relayed_theirs(const struct relayed *socket);
/* The near side is of no use any more: the caller's descriptor gets another, for a fresh socket. */
int relayed_renew(struct relayed *socket, const struct call *call, int theirs);
/* Whatever it was, it is a fresh socket: not connected, connecting or listening any more. */
int relayed_stop(struct relayed *socket, const struct call *call, int theirs);

/* The answers: @theirs is a duplicate of what the program holds, closed by the caller. */
typedef void (*relay_answer)(struct relay *relay, struct relayed *socket, const struct call *call,
			     int theirs);
void relay_on_connect(struct relay *relay, struct relayed *socket, const struct call *call,
		      int theirs);
void relay_on_bind(struct relay *relay, struct relayed *socket, const struct call *call,
		   int theirs);
void relay_on_listen(struct relay *relay, struct relayed *socket, const struct call *call,
		     int theirs);
void relay_on_accept(struct relay *relay, struct relayed *socket, const struct call *call,
		     int theirs);
void relay_on_name(struct relay *relay, struct relayed *socket, const struct call *call,
		   int theirs);
void relay_on_peer(struct relay *relay, struct relayed *socket, const struct call *call,
		   int theirs);
void relay_on_shutdown(struct relay *relay, struct relayed *socket, const struct call *call,
		       int theirs);
/* What the program wrote and its peer has not acknowledged. */
int relayed_unsent(struct relayed *socket);
void relay_on_ioctl(struct relay *relay, struct relayed *socket, const struct call *call,
		    int theirs);
void relay_on_set(struct relay *relay, struct relayed *socket, const struct call *call, int theirs);
void relay_on_get(struct relay *relay, struct relayed *socket, const struct call *call, int theirs);

/* A call is to wait: its answer comes by waiter_answer(), after @timeout (SO_RCVTIMEO, SO_SNDTIMEO of @theirs) by @late. */
int relay_wait(struct relayed *socket, const struct call *call, int theirs, int timeout,
	       void (*late)(struct loop_timer *timer));
void waiter_answer(struct waiter *waiter, int64_t result);
void waiter_free(struct waiter *waiter);
void relayed_answer_all(struct relayed *socket, int result);

/* An address of the program's; the size that it told must be its size. 0 or a negative errno. */
int relay_read_address(const struct call *call, struct sockaddr_storage *ret, socklen_t *ret_size);
/* Writes @address to where arguments 1 and 2 of the call point, as getsockname(2) does. */
int relay_write_address(const struct call *call, const struct sockaddr_storage *address,
			socklen_t size);
bool relay_waits_not(int theirs);
/* A socket of the stack for one that has none any more. */
int relayed_far(struct relayed *socket);
