/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a port needs of the stack that uses it: a device, addresses, a default route. */
#include "link/port.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* Of the default route over the first device, the second, ...: as hosts have it, each its own. */
#define METRIC_FIRST 100

/* A device is switched on with its first set-up, and stays so while there is its link; one that is down has no carrier. A link
 * that comes back is another one, of the same name: the device of the first is wwan0-3 from then on, until another link gets it. */
static int set_device(struct nl *nl, unsigned index, const struct port *was, const struct port *now)
{
	bool gone = was && !now->link;
	struct nlmsghdr *msg =
		nl_start_device(nl, index, was ? IFF_UP : 0, was && !gone ? IFF_UP : 0);
	char name[IFNAMSIZ], alias[32];

	if (gone) {
		snprintf(name, sizeof(name), "%.9s-%u", now->name, index);
		mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	}
	if (!was) {
		snprintf(alias, sizeof(alias), "kind=%s", link_kind_names[now->kind]);
		mnl_attr_put_strz(msg, IFLA_IFNAME, now->name);
		mnl_attr_put_strz(msg, IFLA_IFALIAS, alias);
		mnl_attr_put(msg, IFLA_ADDRESS, sizeof(now->mac), now->mac);
	}
	mnl_attr_put_u32(msg, IFLA_MTU, now->mtu);
	return nl_talk(nl, NULL, NULL);
}

/* A stack whose devices cannot be told is left with what its packets tell. */
static int set_carrier(struct nl *nl, unsigned index, bool on)
{
	struct nlmsghdr *msg = nl_start_device(nl, index, 0, 0);
	int code;

	mnl_attr_put_u8(msg, IFLA_CARRIER, on);
	code = nl_talk(nl, NULL, NULL);
	return code == -EOPNOTSUPP ? 0 : code;
}

/* The host has made sure that nobody else has the address: we must not ask, for the host would answer. */
static int change_address(struct nl *nl, unsigned index, const struct address *address, bool add)
{
	struct nlmsghdr *msg =
		nl_start(nl, add ? RTM_NEWADDR : RTM_DELADDR,
			 add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);
	int code;

	*info = (struct ifaddrmsg){.ifa_family = (uint8_t)address->family,
				   .ifa_prefixlen = address->prefix,
				   .ifa_index = index,
				   .ifa_flags = IFA_F_NODAD};
	mnl_attr_put(msg, IFA_LOCAL, address_size(address), address->bytes);
	mnl_attr_put(msg, IFA_ADDRESS, address_size(address), address->bytes);
	code = nl_talk(nl, NULL, NULL);
	return code == -EADDRNOTAVAIL && !add ? 0 : code;
}

static bool has(const struct port *port, const struct address *address)
{
	for (unsigned i = 0; port && i < port->address_count; i++)
		if (address_equal(&port->addresses[i], address) &&
		    port->addresses[i].prefix == address->prefix)
			return true;
	return false;
}

static int set_addresses(struct nl *nl, unsigned index, const struct port *was,
			 const struct port *now)
{
	int code = 0;

	for (unsigned i = 0; was && code == 0 && i < was->address_count; i++)
		if (!has(now, &was->addresses[i]))
			code = change_address(nl, index, &was->addresses[i], false);
	for (unsigned i = 0; code == 0 && i < now->address_count; i++)
		if (!has(was, &now->addresses[i]))
			code = change_address(nl, index, &now->addresses[i], true);
	return code;
}

/* While a link is down nothing new begins on it. */
static const struct address *gateway(const struct port *port, unsigned i)
{
	return port && port->up && port->gateways[i].family ? &port->gateways[i] : NULL;
}

static int set_gateway(struct nl *nl, unsigned index, const struct address *was,
		       const struct address *now)
{
	struct route route = {.table = RT_TABLE_MAIN,
			      .metric = METRIC_FIRST + index,
			      .index = index,
			      .onlink = true};
	int code = 0;

	if (was && !(now && address_equal(was, now))) {
		route.gateway = *was;
		route.to.family = was->family;
		code = route_remove(nl, &route);
		if (code == -ESRCH || code == -ENOENT) /* with its address */
			code = 0;
	}
	if (now && code == 0) {
		route.gateway = *now;
		route.to.family = now->family;
		code = route_add(nl, &route);
	}
	return code == -EEXIST ? 0 : code;
}

int port_apply(struct nl *nl, unsigned index, const struct port *was, const struct port *now)
{
	int code = set_device(nl, index, was, now);

	if (code == 0 && !was)
		code = set_device(nl, index, now, now);
	if (code == 0)
		code = set_carrier(nl, index, now->up);
	if (code == 0)
		code = set_addresses(nl, index, was, now);
	for (unsigned i = 0; code == 0 && i < 2; i++)
		code = set_gateway(nl, index, gateway(was, i), gateway(now, i));
	return code;
}

int port_leave(struct nl *nl, unsigned index, const struct port *was, const struct port *now)
{
	struct port gone = *was;

	if (was->serial == now->serial && (now->link || !was->link))
		return 0;
	port_forget(&gone);
	return port_apply(nl, index, was, &gone);
}
