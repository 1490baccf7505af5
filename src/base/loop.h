/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop over epoll, for the processes that move bytes: one thread, descriptors and timers, nothing allocated. What
 * is watched lies in its owner's memory, which must stay where it is until it is taken out of the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 64

struct loop_source {
	int fd; /* not owned */
	uint32_t events;
	bool watched;
	void (*ready)(struct loop_source *source, uint32_t events); /* events: EPOLLIN, ... */
};

struct loop_timer {
	uint64_t at; /* ns of clock_now() */
	bool set;
	void (*due)(struct loop_timer *timer);
	struct loop_timer *before, *after;
};

struct loop {
	int epoll; /* owned */
	bool stopped;
	struct loop_timer *first, *last; /* by their time */
	struct epoll_event batch[LOOP_BATCH];
	int count, next; /* of the batch, those that are still to be told */
};

/* From a member of a struct to the struct. */
#define loop_owner(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Calls sources and timers until loop_stop(). Negative errno: waiting is not possible any more. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Waits once, for @most_ms at most (-1: for ever), and calls what is ready and due then. Negative errno as loop_run(). */
int loop_turn(struct loop *loop, int most_ms);

/* @source->ready is called while any of @events is true (0: only for EPOLLERR and EPOLLHUP, which always are told). For the
 * first time, or to watch for others. */
int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events);
/* @source is not called any more, not even for what has happened already. Before its descriptor is closed. */
void loop_forget(struct loop *loop, struct loop_source *source);
/* The same for who closes the only descriptor of it right afterwards, which is all that the kernel needs to know. */
void loop_forget_closed(struct loop *loop, struct loop_source *source);

/* @timer->due is called once, at @at, which replaces an earlier wish. UINT64_MAX: never. */
void loop_set(struct loop *loop, struct loop_timer *timer, uint64_t at);
void loop_unset(struct loop *loop, struct loop_timer *timer);
