/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of stack "lkl" share: lkl.c has the process, lkl_sockets.c the sockets. */
#pragma once

#include "stack/lkl_wire.h"
#include "stack/stack.h"

#include <pthread.h>

struct lkl {
	struct stack stack;
	pthread_mutex_t lock;
	int wire; /* owned */
	pid_t helper;
	uint32_t last;     /* number that was given to a socket */
	uint32_t *numbers; /* owned: by the descriptor */
	unsigned number_count;
	struct lkl_start setup;
	void (*listens)(uint16_t port, void *data);
	void *data;
	uint8_t listened[65536 /
			 8]; /* ports that it was told of: they are held for this run on the host */
};

/* Asks, with a descriptor of ours if @fd is one, and waits for the answer: its result. */
int lkl_ask(struct lkl *lkl, struct lkl_request *request, size_t size, int fd,
	    struct lkl_answer *ret);

extern const struct stack_calls lkl_calls;
