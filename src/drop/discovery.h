/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends our beacon on every link and listens to others'. A link that comes up gets a few in quick succession, and so does one on
 * which a new neighbour is heard; then one every three seconds, signed once. No server, no address but the link-local one.
 */
#pragma once

#include "drop/beacon.h"

#include <net/if.h>
#include <stdint.h>
#include <uv.h>

#define DISCOVERY_LINKS    16
#define DISCOVERY_EVERY_MS 3000
#define DISCOVERY_GONE_MS  10000 /* a neighbour that is not heard for that long is not near */

struct discovery_link {
	unsigned index;
	char name[IF_NAMESIZE];
	struct beacon beacon;
	struct bytes signed_beacon; /* owned */
	bool seen, joined;
	bool unsent; /* the last beacon could not be sent: its address may not be used yet */
};

struct discovery;

struct discovery_owner {
	/* A beacon that is what it says, heard over link @index. */
	void (*heard)(void *data, const struct beacon *beacon, unsigned index, const char *link);
	/* One that is not taken, from @from. */
	void (*refused)(void *data, const char *from, const char *why);
	/* Links or addresses have changed. */
	void (*changed)(void *data);
};

/* Without the right to do something it works where it can; -EADDRINUSE, ...: not at all. Everything is borrowed. */
int discovery_open(uv_loop_t *loop, const struct identity *identity, uint16_t port,
		   const struct discovery_owner *owner, void *data, struct discovery **ret,
		   struct err *err);
void discovery_close(struct discovery *discovery);
/* Is the link there, and up? */
bool discovery_has(const struct discovery *discovery, unsigned index);
/* A new neighbour was heard: it shall hear us soon, too. */
void discovery_hurry(struct discovery *discovery);
/* The certificate or its authority's list has changed: believe nothing that was believed. */
void discovery_forget(struct discovery *discovery);

/* To find a founder without being of a crowd: reads one datagram of @fd. 1: a beacon of @crowd's founder. */
int discovery_listen(struct err *err);
int discovery_founder(int fd, const uint8_t crowd[static CROWD_ID_SIZE], struct beacon *ret,
		      char ret_link[static IF_NAMESIZE]);
