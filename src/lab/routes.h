/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which routes each host of a scenario needs so that every network that can be reached is reached.
 * Pure.
 *
 * The kernel itself makes the connected routes, so they are not in the list. Two sorts are:
 *
 *  - default routes, for every end that names a gateway; the first link of a host is preferred;
 *  - for every network of the scenario that a host is not attached to, one route per link over
 *    which it can be reached. Shorter paths are preferred, then earlier links. A link whose other
 *    host would only send the packet back is left out: the other host must not be farther from the
 *    network than the host itself (then no loop is possible, as in RFC 5286).
 *
 * A path leads over hosts that forward. It never enters a host through an end with address
 * translation: what is behind one cannot be reached from outside.
 */
#pragma once

#include "base/address.h"
#include "lab/scenario.h"

struct route {
	unsigned host;          /* whose route it is */
	struct address network; /* prefix 0: the default route */
	struct address gateway;
	unsigned link, end; /* over scenario->links[link].ends[end], which is the host's own */
	uint32_t metric;
};

/* The routes of all hosts, hosts in order; -ENOMEM. The caller frees *@ret. */
int routes_find(const struct scenario *scenario, struct route **ret, unsigned *ret_count);
