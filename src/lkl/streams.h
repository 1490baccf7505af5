/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stack's sockets: a kernel's one (far) and an end of an AF_UNIX pair (near) each, and the bytes between the two.
 *
 * Both sides tell when they become readable or writable, not as long as they are (EPOLLET): four flags remember that, and are
 * cleared by a call that would have had to wait. A stream that can move something is in a queue; each in turn moves a little,
 * so that none holds the others up. What one side does not take at once is held, and stops the reading of the other.
 *
 * One that sends much stays the first for as long as it can (MOVED_FIRST), with a look at what comes back from the net in between: its peer
 * is woken up once for all that, not for each buffer that the kernel has for it, and the same memory carries it, which is in the
 * processor's caches.
 *
 * The relay asks for the streams of programs, but their bytes do not go through it: when such a stream is connected (stream_carry), its
 * near side becomes the other end of what the program holds, and what was the near side leads to its owner, the relay, who is told
 * there how it ended (struct stack_carried).
 */
#pragma once

#include "lkl/past.h"
#include "stack/plain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum stream_state { STREAM_FRESH, STREAM_CONNECTING, STREAM_LISTENING, STREAM_CONNECTED };

struct stream_way {
	uint8_t *held; /* owned */
	size_t at, size;
	bool ended;  /* no more will be read */
	bool closed; /* and the receiver knows */
};

struct stream {
	enum stream_state state;
	uint64_t number;
	int near, far; /* owned */
	int owner;     /* owned; -1: he has the near side's other end */
	int rival; /* owned: another socket of the kernel that may become the far one (race.h); -1 */
	struct sockaddr_storage to;
	socklen_t to_size;
	uint64_t began;    /* to connect there, of clock_now() */
	uint64_t patience; /* ns that it has for that (TCP_USER_TIMEOUT, or race.h) */
	int failed;   /* why its first far side could not connect: positive; 0: it did not fail */
	bool hurried; /* and they have an end */
	bool waits;   /* for a port number of its own to be had, before it connects there */
	bool bound;   /* the program has chosen an address */
	bool races;   /* it may still get a rival */
	unsigned filled; /* bytes that keep the stack's end from being writable */
	int error;       /* of connecting: positive, told once; of the far side: it is lost */
	uint64_t sent, received; /* bytes that the far side took, and gave */
	/* When stalls.h last looked: of those sent, up to which all was acknowledged; those received. */
	uint64_t settled, delivered;
	bool told; /* of a listening one: a byte says that there is something to accept */
	bool near_in, near_out, far_in, far_out;
	bool near_drains; /* its end is there, or urgent data, before which reading stops: it is read until nothing is left */
	bool awaits_room;           /* it is told when the near side becomes writable */
	struct stream_way up, down; /* from the program to the net; back */
	bool gone; /* both ways of the near side have ended, or nobody has it any more */
	bool queued, dead;
	TAILQ_ENTRY(stream) turn;
	LIST_ENTRY(stream) all;
	struct stream *same_bucket; /* the next one of a bucket */
};

struct streams {
	struct past past;           /* connections that are over */
	struct stream **buckets;    /* owned: all streams, by their numbers */
	unsigned bucket_count;      /* a power of two; 0: there was no stream yet */
	unsigned count, racing;     /* streams; of them, those that may get a rival */
	unsigned hurried;           /* that have so much time to connect and no more */
	struct plain plain;         /* of whom it is known that MPTCP is of no use */
	void (*ending)(void *data); /* a connection is about to */
	void *data;
	int host, kernel,
		owners; /* epolls: of near sides, owned by the caller; of far ones; of ways to owners */
	const struct stream *first; /* only to be compared, for it may be gone */
	uint64_t first_to;          /* as long as it has moved no more than that */
	TAILQ_HEAD(, stream) queue;
	TAILQ_HEAD(, stream) dead; /* to be freed when no event can be about them any more */
	LIST_HEAD(, stream) all;
};

int streams_open(struct streams *streams, int host);
/* Takes both descriptors, also if it fails. */
struct stream *stream_new(struct streams *streams, uint64_t number, int near, int far,
			  int *ret_error);
struct stream *stream_find(struct streams *streams, uint64_t number);
/* The far side is connecting; @result of the call. */
void stream_connecting(struct streams *streams, struct stream *stream, int result, unsigned filled);
/* Ends the connecting of those whose time is over. When there is one to look at next; UINT64_MAX: none. */
uint64_t streams_give_up(struct streams *streams, uint64_t now);
/* It is to connect when there is a port number for it. */
void stream_waiting(struct stream *stream, const struct sockaddr *to, socklen_t size,
		    unsigned filled);
/* Of one that has waited: @result of the call. */
void stream_waited(struct streams *streams, struct stream *stream, int result);
int stream_listening(struct streams *streams, struct stream *stream);
/* It was just accepted. */
void stream_connected(struct streams *streams, struct stream *stream);
/* Of a listening one: there is something to accept. */
void stream_tell_arrival(struct stream *stream);
/* Takes that back, from @end, a copy of the near side's other end. */
void stream_take_arrival(struct stream *stream, int end);
/* It neither connects nor listens any more. */
void stream_stopped(struct streams *streams, struct stream *stream);
/* It is about to connect to @to: if that does not speak MPTCP, by plain TCP. */
void stream_choose(const struct streams *streams, struct stream *stream, const struct sockaddr *to);
/* Bytes that were written to it, and that its peer has not acknowledged. */
int stream_unsent(struct stream *stream);
/* Ends those that are not connected and that nobody has any more, which the next look would tell as well. Was there one? */
bool streams_sweep(struct streams *streams);
/* Does one listen on @port? */
bool streams_serve(const struct streams *streams, uint16_t port);
/* The near side is @near from now on; what the old one has to give still is taken from @old, a copy of its other end. Takes both, also
 * if it fails. */
int stream_carry(struct streams *streams, struct stream *stream, int near, int old);
/* An event of the owners' epoll. */
void streams_on_owners(struct streams *streams);
/* An event of the near side. */
void stream_on_near(struct streams *streams, struct stream *stream, uint32_t events);
/* Moves bytes of those that have some, of each a little. True: it stopped at one that has sent much. */
bool streams_move(struct streams *streams);
/* Takes in what the kernel tells. Has any stream something to move? */
bool streams_look(struct streams *streams);
