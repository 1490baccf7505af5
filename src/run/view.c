/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/view.h"

#include <stdlib.h>

int view_open(struct view *view)
{
	*view = (struct view){0};
	return nl_open(&view->route, NETLINK_ROUTE);
}

void view_close(struct view *view)
{
	nl_close(view->route);
	links_free(&view->links);
	free(view->use);
	*view = (struct view){0};
}

void view_refresh(struct view *view, const struct net *net)
{
	enum multipath_use *use;
	struct links links;

	if (links_read(view->route, &links) < 0)
		return;
	use = calloc(links.count + 1, sizeof(*use));
	if (!use) {
		links_free(&links);
		return;
	}
	for (unsigned i = 0; i < links.count; i++)
		use[i] = net_use_of(net, links.all[i].index);
	links_free(&view->links);
	free(view->use);
	view->links = links;
	view->use = use;
}

void view_tell_gate(const struct view *view, struct gate *gate)
{
	unsigned usable[GATE_LINKS + 1], count = 0, first = 0;

	for (unsigned i = 0; i < view->links.count; i++) {
		const struct link *link = &view->links.all[i];

		if (view->use[i] != MULTIPATH_USED && view->use[i] != MULTIPATH_SILENT)
			continue;
		if (multipath_begins_on(&view->links, link))
			first = link->index;
		if (count < GATE_LINKS)
			usable[count++] = link->index;
	}
	usable[count] = 0;
	gate_links(gate, &view->links, usable, first);
}

void view_tell_rejoin(const struct view *view, struct rejoin *rejoin)
{
	struct rejoin_link used[REJOIN_LINKS];
	unsigned count = 0;

	for (unsigned i = 0; i < view->links.count && count < REJOIN_LINKS; i++) {
		const struct link *link = &view->links.all[i];

		if (view->use[i] != MULTIPATH_USED)
			continue;
		used[count] = (struct rejoin_link){.index = link->index,
						   .local = !links_lead_out(&view->links, link)};
		for (unsigned a = 0; a < link->address_count; a++)
			used[count].families |=
				link->addresses[a].family == AF_INET ? REJOIN_IPV4 : REJOIN_IPV6;
		count++;
	}
	rejoin_links(rejoin, used, count);
}
