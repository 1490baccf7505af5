/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/rejoin.h"

#include "base/clock.h"

#define FIRST (200 * NS_PER_MS) /* the kernel opens a subflow within a round trip */
#define LAST  (60 * NS_PER_S)

static const struct rejoin_link *find(const struct rejoin *rejoin, unsigned index)
{
	for (unsigned i = 0; i < rejoin->count; i++)
		if (rejoin->links[i].index == index)
			return &rejoin->links[i];
	return 0;
}

void rejoin_links(struct rejoin *rejoin, const struct rejoin_link *links, unsigned count)
{
	struct rejoin now = {.families = rejoin->families};

	for (; now.count < count && now.count < REJOIN_LINKS; now.count++) {
		const struct rejoin_link *known = find(rejoin, links[now.count].index);
		struct rejoin_link *link = &now.links[now.count];

		*link = (struct rejoin_link){.interval = FIRST};
		if (known)
			*link = *known;
		link->index = links[now.count].index;
		link->families = links[now.count].families;
		link->local = links[now.count].local;
	}
	*rejoin = now;
}

void rejoin_look(struct rejoin *rejoin)
{
	rejoin->families = 0;
	for (unsigned i = 0; i < rejoin->count; i++)
		rejoin->links[i].carries = false;
}

void rejoin_saw(struct rejoin *rejoin, unsigned link, enum rejoin_family family, bool joins)
{
	if (joins)
		rejoin->families |= family;
	for (unsigned i = 0; i < rejoin->count; i++)
		if (rejoin->links[i].index == link)
			rejoin->links[i].carries = rejoin->links[i].carried = true;
}

void rejoin_looked(struct rejoin *rejoin, uint64_t now, unsigned lost, rejoin_act act, void *data)
{
	for (unsigned i = 0; i < rejoin->count; i++) {
		struct rejoin_link *link = &rejoin->links[i];
		bool first_aid = lost > 0 && (i == 0 || !link->carries);
		bool missed = !link->carries && (link->carried || !link->local) &&
			      link->families & rejoin->families;

		if (!first_aid && !missed) {
			link->lacks_since = 0;
			link->interval = link->carries ? FIRST : link->interval;
		} else if (!link->lacks_since) {
			link->lacks_since = now;
		} else if (now - link->lacks_since >= link->interval) {
			link->lacks_since = now;
			link->interval = link->interval * 2 < LAST ? link->interval * 2 : LAST;
			act(link->index, data);
		}
	}
}

uint64_t rejoin_next(const struct rejoin *rejoin)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < rejoin->count; i++) {
		const struct rejoin_link *link = &rejoin->links[i];

		if (link->lacks_since && link->lacks_since + link->interval < next)
			next = link->lacks_since + link->interval;
	}
	return next;
}
