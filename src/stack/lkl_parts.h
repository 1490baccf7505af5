/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of stack "lkl" share: lkl.c has the process, lkl_sockets.c the sockets, lkl_own.c those of a program's own. */
#pragma once

#include "stack/lkl_wire.h"
#include "stack/stack.h"

#include <pthread.h>

/* In memory that is shared with children, as the wire is. */
struct lkl {
	struct stack stack;
	pthread_mutex_t lock; /* of the wire, between threads and processes */
	uint32_t sequence;
	int wire;    /* owned */
	int control; /* owned: to the process that has the stack, if we have only a way to it; -1 */
	pid_t helper; /* 0: not our child */
	struct lkl_start setup;
	/* Somebody listens on a port. */
	void (*listens)(uint16_t port, void *data);
	void (*more)(void *data); /* port numbers are needed */
	void *data;
	uint8_t listened[65536 /
			 8]; /* ports that it was told of: they are held for this run on the host */
};

/* Asks, with the @fd_count descriptors of ours in @fds, and waits for the answer: its result. */
int lkl_ask(struct lkl *lkl, struct lkl_request *request, size_t size, const int *fds,
	    unsigned fd_count, struct lkl_answer *ret);
/* A way to a stack that `rivulet stack` opens. */
int lkl_open_own(struct lkl *lkl, const struct stack_options *options, struct err *err);
int lkl_status(struct stack *stack, int fd, struct rv_status *ret, struct err *err);

extern const struct stack_calls lkl_calls;
