/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/port.h"

#include <string.h>

static void take_gateway(const struct links *links, const struct link *link, sa_family_t family,
			 struct address *ret)
{
	const struct route *route = links_default(links, link, family);

	if (route)
		*ret = route->gateway;
}

void port_describe(const struct links *links, const struct link *link,
		   const uint8_t mac[static ETH_ALEN], struct port *ret)
{
	*ret = (struct port){
		.link = link->index, .kind = link->kind, .mtu = link->mtu, .up = link->up};
	memcpy(ret->name, link->name, sizeof(ret->name));
	memcpy(ret->mac, mac, ETH_ALEN);
	memcpy(ret->addresses, link->addresses, sizeof(ret->addresses));
	ret->address_count = link->address_count;
	take_gateway(links, link, AF_INET, &ret->gateways[0]);
	take_gateway(links, link, AF_INET6, &ret->gateways[1]);
}

void port_refresh(const struct links *links, struct port *port)
{
	const struct link *link = links_by_index(links, port->link);
	struct port was = *port;

	if (link && strcmp(link->name, port->name) == 0)
		port_describe(links, link, was.mac, port);
	else
		port->up = false;
}

bool port_equal(const struct port *a, const struct port *b)
{
	if (a->link != b->link || a->mtu != b->mtu || a->up != b->up ||
	    a->address_count != b->address_count)
		return false;
	for (unsigned i = 0; i < a->address_count; i++)
		if (!address_equal(&a->addresses[i], &b->addresses[i]) ||
		    a->addresses[i].prefix != b->addresses[i].prefix)
			return false;
	for (unsigned i = 0; i < 2; i++)
		if (a->gateways[i].family != b->gateways[i].family ||
		    (a->gateways[i].family && !address_equal(&a->gateways[i], &b->gateways[i])))
			return false;
	return true;
}
