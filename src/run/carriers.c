/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/carriers.h"

static unsigned place_of(const struct carriers *carriers, unsigned link)
{
	unsigned at = 0;

	while (at < carriers->count && carriers->lost[at] != link)
		at++;
	return at;
}

void carriers_look(struct carriers *carriers, struct nl *route, const struct links *links,
		   const enum multipath_use *use, carriers_act act, void *data)
{
	for (unsigned i = 0; i < links->count; i++) {
		unsigned link = links->all[i].index, at = place_of(carriers, link);
		bool was_lost = at < carriers->count, lost;

		if (!was_lost && (use[i] != MULTIPATH_USED || carriers->count == CARRIERS_MAX))
			continue;
		lost = links_is_down(route, link);
		if (lost == was_lost)
			continue;
		if (lost)
			carriers->lost[carriers->count++] = link;
		else
			carriers->lost[at] = carriers->lost[--carriers->count];
		act(link, lost, data);
	}
}

void carriers_forget(struct carriers *carriers, const struct links *links)
{
	for (unsigned i = carriers->count; i-- > 0;)
		if (!links_by_index(links, carriers->lost[i]))
			carriers->lost[i] = carriers->lost[--carriers->count];
}
