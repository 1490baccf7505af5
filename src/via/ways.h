/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which way a client's connections go: to the server itself, or by the relay. Pure.
 *
 * What was said comes first: --via-always, --via-never; then rules, the first that fits. Where nothing was said it is found out:
 * a server that speaks MPTCP is connected to directly, others by the relay; which is which is remembered (memory.h: from run to
 * run). What is of this
 * machine or of the link is never a relay's.
 */
#pragma once

#include "base/address.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum way {
	WAY_FIND, /* directly if the server speaks MPTCP, else by the relay */
	WAY_DIRECT,
	WAY_VIA,
};

#define WAYS_RULES_MAX 64
#define WAYS_MEMORY    1024 /* destinations that are remembered; a power of two */
#define WAYS_NAME_SIZE 256

struct ways_rule {
	enum way way;
	struct address net;        /* family 0: by name */
	char name[WAYS_NAME_SIZE]; /* a name, or "*.NAME" for all below it, or "*" */
	unsigned port;             /* 0: all */
};

struct ways_memory {
	uint64_t destination; /* a hash; 0: none */
	uint64_t until;       /* seconds; then it is asked anew */
	enum way way;
	bool hint; /* of an earlier run */
};

/* Plain data without pointers; all zero: find out. */
struct ways {
	enum way all; /* WAY_FIND: as the rules say */
	struct ways_rule rules[WAYS_RULES_MAX];
	unsigned count;
	struct ways_memory memory[WAYS_MEMORY];
	bool learned; /* anything, so far */
};

/* Adds a rule for "NAME", "*.NAME", "*", or "ADDRESS", "ADDRESS/PREFIX", for one port or (0) all. -EINVAL, -ENOSPC. */
int ways_add(struct ways *ways, const char *who, unsigned port, enum way way, struct err *err);

/* The way to @host, a name or an address, and @port, as far as it is known at @now (seconds). */
enum way ways_of(const struct ways *ways, const char *host, const char *port, uint64_t now);
/* The same, by what was said alone: what was found out is left out. */
enum way ways_said(const struct ways *ways, const char *host, const char *port);

/* It was found out that this server speaks MPTCP (WAY_DIRECT), or that it does not (WAY_VIA). */
void ways_learn(struct ways *ways, const char *host, const char *port, enum way way, uint64_t now);
/* What an earlier run found out, if nothing is known in its place; for no longer than what is found out now. */
void ways_recall(struct ways *ways, const struct ways_memory *memory, uint64_t now);
/* Is what is known of it from an earlier run? */
bool ways_hints(const struct ways *ways, const char *host, const char *port);
