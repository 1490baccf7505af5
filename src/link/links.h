/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The links of a device, as its network stack knows them: what is there, what kind it is, which
 * addresses connections can come from, and the routes that go out over it.
 */
#pragma once

#include "base/address.h"
#include "base/netlink.h"
#include "link/route.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum link_kind {
	LINK_OTHER,
	LINK_ETHERNET,
	LINK_WIFI,
	LINK_CELLULAR,
	LINK_BLUETOOTH,
	LINK_TUNNEL,
	LINK_VIRTUAL, /* a bridge, a container's end, a dummy: no link to elsewhere */
	LINK_LOOPBACK,
	LINK_KINDS
};
extern const char *const link_kind_names[LINK_KINDS];

#define LINK_ADDRESSES_MAX 8

struct link {
	unsigned index;
	char name[IFNAMSIZ];
	enum link_kind kind;
	bool up; /* switched on, and with carrier */
	unsigned mtu;
	/* Global addresses that new connections may come from, preferred first. */
	struct address addresses[LINK_ADDRESSES_MAX];
	unsigned address_count;
	/* Those that are there still, but from which nothing is to begin. */
	struct address fading[LINK_ADDRESSES_MAX];
	unsigned fading_count;
};

struct links {
	struct link *all; /* by index of the device, rising */
	unsigned count;
	struct route *routes; /* unicast routes of the main table */
	unsigned route_count;
	/* Devices by which the kernel, with all its rules, sends what goes far away, of IPv4 and IPv6; 0: by none. A VPN
	 * may have it so without a route in the main table. */
	unsigned far[2];
};

/* Reads links, addresses and routes over @nl (NETLINK_ROUTE). The caller frees with links_free().
 */
int links_read(struct nl *nl, struct links *ret);
void links_free(struct links *links);

/* Is the device switched off, without carrier or gone, just now? Not if it cannot be told. */
bool links_is_down(struct nl *nl, unsigned index);

/* Has it @address still, if only for what has begun there? */
bool link_keeps(const struct link *link, const struct address *address);

/* NULL if there is none. */
const struct link *links_by_index(const struct links *links, unsigned index);
/* The link that has @address, NULL if none. */
const struct link *links_by_address(const struct links *links, const struct address *address);

/* The default route of @family over @link with the best metric, NULL if it has none. */
const struct route *links_default(const struct links *links, const struct link *link,
				  sa_family_t family);

/* Has it one of any family? Else it leads to neighbours alone. */
bool links_lead_out(const struct links *links, const struct link *link);
/* The gateway of @link's default route, of either family; NULL if there is none that could be asked. */
const struct address *links_next_hop(const struct links *links, const struct link *link);

/* The kind that people call @word ("wifi", "lte", ...); LINK_KINDS if nobody does. */
enum link_kind link_kind_parse(const char *word);

/* What a device is, from what the kernel says of it: @type is ARPHRD_*, @driver_kind the
 * IFLA_INFO_KIND
 * ("" for hardware), @alias its alias, where "kind=wifi" has the last word. Pure. */
enum link_kind link_classify(unsigned type, const char *name, const char *driver_kind,
			     const char *alias);
