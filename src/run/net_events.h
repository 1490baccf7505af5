/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * That subflows have come or gone, as the path manager announces it. Short connections are announced by the thousand, and that there
 * are so many is all that is to be known of them: nobody listens for a while then, which spares the kernel the telling.
 */
#pragma once

#include "base/netlink.h"

#include <stdbool.h>
#include <stdint.h>

struct net_events {
	struct nl *nl; /* owned; NULL: cannot be had */
	uint64_t at;   /* when they are read again */
	bool deaf;     /* until then nobody listens */
};

void net_events_open(struct net_events *events);
void net_events_close(struct net_events *events);

/* To poll for until net_events_next(); -1: nothing. */
int net_events_fd(const struct net_events *events, uint64_t now);
/* UINT64_MAX: not before it polls readable. */
uint64_t net_events_next(const struct net_events *events, uint64_t now);
/* Are they to be read though nothing polls readable? */
bool net_events_missed(const struct net_events *events, uint64_t now);
void net_events_read(struct net_events *events, uint64_t now);
