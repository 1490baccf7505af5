/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which destinations a relay connects its clients to. Pure.
 *
 * Of the rules that an address is in, the one with the longest prefix counts; of two, the one that names a port; then denied
 * before allowed. What the administrator says comes before what is built in, for the same network: that nobody gets into the
 * relay's own networks (private, shared, link-local, loopback, multicast and reserved ranges), nor to the relay's machine by an
 * address that it has for all the world: a firewall that keeps others from what serves there does not see who comes from inside.
 * That takes a rule of the administrator's that names a network, whichever; one for all ("*") is not meant so.
 *
 * An IPv6 address that stands for an IPv4 one (mapped, compatible, NAT64, 6to4) has to be allowed as both. It is asked of
 * addresses after names were looked up: what a name says is of no account.
 */
#pragma once

#include "base/address.h"
#include "base/err.h"

#include <stddef.h>

#define REACH_MAX 64

struct reach_rule {
	struct address net; /* family 0: all */
	unsigned port;      /* 0: all */
	bool allow;
};

/* All zero: what is built in. */
struct reach {
	struct reach_rule rules[REACH_MAX];
	unsigned count;
};

/* Adds "10.0.0.0/8,[2001:db8::]/32:443,*:25": networks, addresses or all, each with or without a port. -EINVAL, -ENOSPC. */
int reach_add(struct reach *reach, const char *list, bool allow, struct err *err);

/* Adds what a file says: a line "allow LIST" or "deny LIST" for each; empty lines, and what follows '#', say nothing. @path is for
 * messages: "FILE:LINE: what is wrong". */
int reach_parse(struct reach *reach, const char *path, const char *text, size_t size,
		struct err *err);

/* May clients be connected to @to? @here: it is an address of this machine. */
bool reach_allows(const struct reach *reach, const struct sockaddr *to, bool here);
