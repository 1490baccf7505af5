/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one end of a workload has seen, put together from all its threads. Times are ns since the start of the cell, by the
 * wall clock: the only one that a guest kernel shares with its host.
 */
#pragma once

#include "assess/timeline.h"

#include <jansson.h>
#include <pthread.h>

#define METER_DELAYS 200000 /* more are not kept */

struct meter {
	pthread_mutex_t lock;
	uint64_t origin;          /* the start of the cell; ns since 1970 */
	struct timeline received; /* the pattern's bytes */
	uint64_t sent, bad;       /* of the pattern; wrong ones among what came */
	double *delays;           /* ms; owned */
	size_t delay_count, room;
	unsigned connections, failures, given_up;
	char why[256]; /* of the first failure */
};

void meter_init(struct meter *meter, uint64_t origin);
void meter_free(struct meter *meter);

/* ns since 1970. */
uint64_t meter_clock(void);
/* ns since the start of the cell. */
uint64_t meter_now(const struct meter *meter);

void meter_received(struct meter *meter, uint64_t bytes);
void meter_delay(struct meter *meter, uint64_t ns);
/* Bytes of the pattern that were sent, and wrong ones among what came. */
void meter_count(struct meter *meter, uint64_t sent, uint64_t bad);
/* A connection is over; @code: 0, -ETIMEDOUT (it was given up), or why not well, with @what was being done. */
void meter_over(struct meter *meter, int code, const char *what);

/* One JSON object, with what the kernel counted in this network namespace and what this process took. */
json_t *meter_describe(struct meter *meter);
