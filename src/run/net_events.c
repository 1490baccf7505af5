/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/net_events.h"

#include "base/clock.h"
#include "link/endpoint.h"

#include <errno.h>

#define EVERY  (5 * NS_PER_MS)
#define MANY   16
#define CROWDS (100 * NS_PER_MS)

void net_events_open(struct net_events *events)
{
	*events = (struct net_events){0};
	if (endpoint_watch(&events->nl) < 0)
		events->nl = NULL;
}

void net_events_close(struct net_events *events)
{
	nl_close(events->nl);
	events->nl = NULL;
}

int net_events_fd(const struct net_events *events, uint64_t now)
{
	return events->nl && events->at <= now ? nl_fd(events->nl) : -1;
}

uint64_t net_events_next(const struct net_events *events, uint64_t now)
{
	return events->deaf || events->at > now ? events->at : UINT64_MAX;
}

bool net_events_missed(const struct net_events *events, uint64_t now)
{
	return events->deaf && now >= events->at;
}

static int pass_over(const struct nlmsghdr *msg, void *data)
{
	return 0;
}

void net_events_read(struct net_events *events, uint64_t now)
{
	int count = nl_receive(events->nl, pass_over, NULL);

	events->deaf = count > MANY || count == -ENOBUFS;
	events->at = now + (events->deaf ? CROWDS : EVERY);
	nl_listen(events->nl, !events->deaf);
}
