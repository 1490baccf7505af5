/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One measurement: a workload of one scenario on one stack, with one protocol, on one hardware profile, once. It is run in a
 * lab of its own (`rivulet lab run`), in which the device and what serves it are programs of ours (load.h), the device's in a
 * control group.
 *
 * Protocol tcp: the peer does not speak MPTCP; on the stack whose TCP a program has anyway, the program runs without us.
 */
#pragma once

#include "assess/profile.h"
#include "assess/workload.h"
#include "base/err.h"
#include "lab/scenario.h"
#include "stack/stack.h"

#include <jansson.h>
#include <signal.h>

#define CELL_KEY_MAX 256

enum cell_protocol { CELL_TCP, CELL_MPTCP, CELL_PROTOCOLS };
extern const char *const cell_protocol_names[CELL_PROTOCOLS];

struct cell_scenario {
	const char *name; /* as it was named */
	struct scenario *scenario;
};

/* All borrowed. */
struct cell {
	const struct cell_scenario *scenario;
	const struct workload *workload;
	const struct profile *profile;
	const struct stack_ops *stack;
	enum cell_protocol protocol;
	int link; /* TCP over this link of the scenario alone, to compare with; -1: as it comes */
	unsigned repetition;
	uint64_t duration; /* ns */
};

struct cell_setup {
	const char *self;     /* the program `rivulet` */
	const char *folder;   /* for the cell's files, empty before and after */
	uint64_t seed;        /* of the whole assessment */
	int signals;          /* signalfd(2): of children, and all others ask to end */
	const sigset_t *mask; /* for processes that are started */
};

/* What tells it from all others, and names it in records. */
const char *cell_key(const struct cell *cell, char ret[static CELL_KEY_MAX]);

/* Can this protocol be had on that stack? */
bool cell_has_protocol(const struct stack_ops *stack, enum cell_protocol protocol);

/* How long it will take, ns, about. */
uint64_t cell_estimate(const struct cell *cell);

/* Removes the files in the folder of a cell. */
void cell_clear(const char *folder);

/* Measures. The record, the caller's: also where the cell failed, which it says then. A negative errno: nothing can be
 * measured at all, or -EINTR: a signal asked to end. */
int cell_run(const struct cell *cell, const struct cell_setup *setup, json_t **ret,
	     struct err *err);
