/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/routes.h"

#include "base/cleanup.h"

#include <string.h>

#define FAR            UINT32_MAX /* no path */
#define METRIC_DEFAULT 100        /* of default routes, and of each hop of the others */

struct list {
	struct route *routes;
	unsigned count, room;
};

static int list_add(struct list *list, const struct route *route)
{
	if (list->count == list->room) {
		unsigned room = list->room ? 2 * list->room : 16;
		struct route *routes = reallocarray(list->routes, room, sizeof(*routes));

		if (!routes)
			return -ENOMEM;
		list->routes = routes;
		list->room = room;
	}
	list->routes[list->count++] = *route;
	return 0;
}

static const struct scenario_end *end_of(const struct scenario *scenario, unsigned wire)
{
	return &scenario->links[wire / 2].ends[wire % 2];
}

/* The address at which @far can be the next hop of @near for packets of @family; NULL: none. */
static const struct address *next_hop(const struct scenario_end *near,
				      const struct scenario_end *far, sa_family_t family)
{
	for (unsigned i = 0; i < far->address_count; i++) {
		const struct address *candidate = &far->addresses[i];

		if (candidate->family != family)
			continue;
		for (unsigned j = 0; j < near->address_count; j++)
			if (near->addresses[j].family == family &&
			    address_within(candidate, &near->addresses[j]))
				return candidate;
	}
	return NULL;
}

/* As next_hop(), if the host there also forwards and may be entered this way. */
static const struct address *forwarder(const struct scenario *scenario, unsigned wire,
				       sa_family_t family)
{
	const struct scenario_end *near = end_of(scenario, wire);
	const struct scenario_end *far = end_of(scenario, wire ^ 1);

	if (!scenario->hosts[far->host].forward || far->nat)
		return NULL;
	return next_hop(near, far, family);
}

static bool same_network(const struct address *a, const struct address *b)
{
	struct address an = address_network(a), bn = address_network(b);

	return an.prefix == bn.prefix && address_equal(&an, &bn);
}

static void measure(const struct scenario *scenario, const struct address *network,
		    uint32_t *distance)
{
	bool better = true;

	for (unsigned i = 0; i < scenario->host_count; i++)
		distance[i] = FAR;
	for (unsigned wire = 0; wire < 2 * scenario->link_count; wire++) {
		const struct scenario_end *end = end_of(scenario, wire);

		for (unsigned i = 0; i < end->address_count; i++)
			if (same_network(&end->addresses[i], network))
				distance[end->host] = 0;
	}
	while (better) {
		better = false;
		for (unsigned wire = 0; wire < 2 * scenario->link_count; wire++) {
			unsigned here = end_of(scenario, wire)->host;
			unsigned there = end_of(scenario, wire ^ 1)->host;

			if (distance[there] == FAR || distance[there] + 1 >= distance[here] ||
			    !forwarder(scenario, wire, network->family))
				continue;
			distance[here] = distance[there] + 1;
			better = true;
		}
	}
}

static int add_network(const struct scenario *scenario, const struct address *network,
		       const uint32_t *distance, struct list *list)
{
	for (unsigned wire = 0; wire < 2 * scenario->link_count; wire++) {
		unsigned here = end_of(scenario, wire)->host;
		unsigned there = end_of(scenario, wire ^ 1)->host;
		const struct address *gateway = forwarder(scenario, wire, network->family);
		struct route route = {
			.host = here, .network = *network, .link = wire / 2, .end = wire % 2};
		int code;

		if (!gateway || distance[here] == 0 || distance[there] == FAR ||
		    distance[there] > distance[here])
			continue;
		route.gateway = *gateway;
		route.metric = METRIC_DEFAULT * (distance[there] + 1) + wire / 2;
		code = list_add(list, &route);
		if (code < 0)
			return code;
	}
	return 0;
}

static int add_defaults(const struct scenario *scenario, struct list *list)
{
	for (unsigned wire = 0; wire < 2 * scenario->link_count; wire++) {
		const struct scenario_end *end = end_of(scenario, wire);
		const struct address *gateways[] = {&end->gateway4, &end->gateway6};

		for (size_t i = 0; i < ARRAY_SIZE(gateways); i++) {
			struct route route = {
				.host = end->host,
				.network.family = gateways[i]->family,
				.gateway = *gateways[i],
				.link = wire / 2,
				.end = wire % 2,
				.metric = METRIC_DEFAULT + wire / 2,
			};
			int code = gateways[i]->family ? list_add(list, &route) : 0;

			if (code < 0)
				return code;
		}
	}
	return 0;
}

/* Was this network met at an earlier address already? */
static bool is_repeated(const struct scenario *scenario, unsigned wire, unsigned index)
{
	for (unsigned w = 0; w <= wire; w++) {
		const struct scenario_end *end = end_of(scenario, w);
		unsigned count = w == wire ? index : end->address_count;

		for (unsigned i = 0; i < count; i++)
			if (same_network(&end->addresses[i],
					 &end_of(scenario, wire)->addresses[index]))
				return true;
	}
	return false;
}

static int by_host(const void *a, const void *b)
{
	const struct route *ra = a, *rb = b;

	if (ra->host != rb->host)
		return ra->host < rb->host ? -1 : 1;
	if (ra->network.family != rb->network.family)
		return ra->network.family == AF_INET ? -1 : 1;
	if (ra->network.prefix != rb->network.prefix)
		return ra->network.prefix < rb->network.prefix ? -1 : 1;
	if (memcmp(ra->network.bytes, rb->network.bytes, address_size(&ra->network)))
		return memcmp(ra->network.bytes, rb->network.bytes, address_size(&ra->network));
	return ra->metric < rb->metric ? -1 : ra->metric > rb->metric;
}

int routes_find(const struct scenario *scenario, struct route **ret, unsigned *ret_count)
{
	_cleanup_free_ uint32_t *distance =
		calloc(scenario->host_count ? scenario->host_count : 1, sizeof(*distance));
	struct list list = {0};
	int code;

	if (!distance)
		return -ENOMEM;
	code = add_defaults(scenario, &list);
	for (unsigned wire = 0; code >= 0 && wire < 2 * scenario->link_count; wire++) {
		const struct scenario_end *end = end_of(scenario, wire);

		for (unsigned i = 0; code >= 0 && i < end->address_count; i++) {
			struct address network = address_network(&end->addresses[i]);

			if (is_repeated(scenario, wire, i) || address_is_link_local(&network))
				continue;
			measure(scenario, &network, distance);
			code = add_network(scenario, &network, distance, &list);
		}
	}
	if (code < 0) {
		free(list.routes);
		return code;
	}
	if (list.count)
		qsort(list.routes, list.count, sizeof(*list.routes), by_host);
	*ret = list.routes;
	*ret_count = list.count;
	return 0;
}
