/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and policy rules of a network stack over rtnetlink. */
#pragma once

#include "base/address.h"
#include "base/netlink.h"

#include <stdbool.h>
#include <stdint.h>

/* The routing protocol number that marks routes and rules as ours (RTA_PROTOCOL, FRA_PROTOCOL). */
#define ROUTE_PROTOCOL 82

struct route {
	struct address to;      /* a network; prefix 0: default */
	struct address gateway; /* of either family; family 0: on the link */
	struct address source;  /* preferred source; family 0: the kernel's choice */
	uint32_t table;
	uint32_t metric;
	unsigned index; /* of the device; 0 for a throw */
	bool thrown;    /* RTN_THROW: the search goes on with the next rule */
	bool onlink;    /* the gateway is reached though no route says so */
};

/* "from @from lookup @table", at @priority; with prefix 0 "from all" of that family. */
struct rule {
	struct address from;
	uint32_t table;
	uint32_t priority;
	bool personal; /* only for what @user sends */
	uint32_t user;
};

/* Calls @each for every unicast route of the main table of both families. A multipath route
 * is given as one route for each next hop. */
typedef int (*route_each)(const struct route *route, void *data);
int route_dump(struct nl *nl, route_each each, void *data);

/* Index of the device by which the kernel, with all its rules, would send something far away; 0: by none. */
unsigned route_far(struct nl *nl, sa_family_t family);

/* 0; -EEXIST from the additions and -ESRCH or -ENOENT from the removals mean that it was so
 * already. */
int route_add(struct nl *nl, const struct route *route);
int route_remove(struct nl *nl, const struct route *route);
int rule_add(struct nl *nl, const struct rule *rule);
int rule_remove(struct nl *nl, const struct rule *rule);
