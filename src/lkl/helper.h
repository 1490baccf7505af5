/* SPDX-License-Identifier: GPL-2.0-only */
/* What the process is in whole: main.c has its loop, requests.c answers what it is asked. */
#pragma once

#include "base/fds.h"
#include "lkl/network.h"
#include "lkl/paths.h"
#include "lkl/stalls.h"
#include "lkl/streams.h"

struct helper {
	int epoll;
	int way;        /* owned: of one who was admitted; -1: nobody */
	bool started;   /* and set up */
	bool left;      /* nobody asks any more */
	bool lasts;     /* sockets outlive who asked for them */
	uint64_t until; /* left: the latest end */
	struct network network;
	struct paths paths;
	struct streams streams;
	struct stalls stalls;
	int packets[LKL_PORTS_MAX];      /* owned */
	unsigned serials[LKL_PORTS_MAX]; /* of the ports that they are of */
	bool blocked[LKL_PORTS_MAX];
	unsigned packet_count, watched_count;
};

/* What came with a request: who needs a descriptor takes it; those that nobody took are closed after the answer. */
_Static_assert(LKL_PORTS_MAX <= FDS_MAX, "one for each port");
struct given {
	int fds[FDS_MAX]; /* owned */
	unsigned count, taken;
};
/* -EMFILE: we may have no more, so it was left out. */
int given_take(struct given *given);

/* Answers a request that came over @wire. Takes @given. */
void helper_answer(struct helper *h, int wire, const struct lkl_request *r, struct given *given);
/* Sets all up. */
int helper_start(struct helper *h, struct given *given, const struct lkl_start *setup,
		 struct err *err);
/* Takes the packets' descriptors of the ports that are not here yet. */
int helper_take_packets(struct helper *h, struct given *given, const struct lkl_start *setup);
/* Takes @way: requests may come over that, too. */
int helper_admit(struct helper *h, int way);
