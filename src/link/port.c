/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/port.h"

#include <string.h>

const struct port_way *const port_ways[PORT_KINDS] = {
	[PORT_SHARED] = &port_shared, [PORT_NAT] = &port_nat};

int port_open(enum port_kind way, const struct port_place *place, const struct link *link,
	      struct port_end *ret, struct err *err)
{
	int code;

	*ret = (struct port_end){.port = {.way = way, .link = link->index, .kind = link->kind},
				 .fd = -1};
	memcpy(ret->port.name, link->name, sizeof(ret->port.name));
	code = port_ways[way]->open(place, link, ret, err);
	if (code == 0)
		port_ways[way]->describe(place->links, link, &ret->port);
	return code;
}

void port_close(struct port_end *end)
{
	port_ways[end->port.way]->close(end);
}

void port_forget(struct port *port)
{
	port->up = false;
	port->link = 0;
	port->address_count = 0;
	memset(port->gateways, 0, sizeof(port->gateways));
}

void port_refresh(const struct links *links, struct port *port)
{
	const struct link *link = links_by_index(links, port->link);

	if (link && strcmp(link->name, port->name) == 0) {
		port_ways[port->way]->describe(links, link, port);
		return;
	}
	port_forget(port);
}

bool port_equal(const struct port *a, const struct port *b)
{
	if (a->serial != b->serial || a->link != b->link || a->mtu != b->mtu || a->up != b->up ||
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

bool ports_refresh(const struct links *links, struct port *ports, unsigned count)
{
	bool changed = false;

	for (unsigned i = 0; i < count; i++) {
		struct port was = ports[i];

		port_refresh(links, &ports[i]);
		changed |= !port_equal(&was, &ports[i]);
	}
	return changed;
}
