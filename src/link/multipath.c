/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/multipath.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <stdlib.h>
#include <string.h>

const char *const multipath_use_text[] = {
	[MULTIPATH_USED] = "used",
	[MULTIPATH_DOWN] = "it is down",
	[MULTIPATH_NO_ADDRESS] = "it has no global address",
	[MULTIPATH_NO_GATEWAY] = "no default route leads over it",
	[MULTIPATH_NOT_A_LINK] = "it leads nowhere by itself",
	[MULTIPATH_TUNNEL] = "it is a tunnel over another link",
	[MULTIPATH_POLICY] = "you excluded it (--links, --not or the configuration file)",
	[MULTIPATH_SILENT] = "it does not answer",
	[MULTIPATH_BEHIND_TUNNEL] =
		"a tunnel has the default route, and this link would go around it",
};

/* Does it lead everywhere? VPNs split it into both halves of the address space (0/1 and 128/1),
 * which come before any default route. */
static bool is_default(const struct route *route)
{
	return route->to.prefix <= 1;
}

static bool has_gateway(const struct links *links, const struct link *link,
			const struct address *address)
{
	for (unsigned i = 0; i < links->route_count; i++)
		if (links->routes[i].index == link->index && is_default(&links->routes[i]) &&
		    links->routes[i].to.family == address->family)
			return true;
	return false;
}

/* Is there anybody whom a subflow from @address could lead to? */
static bool leads_to_peers(const struct multipath_state *state, const struct link *link,
			   const struct address *address)
{
	return policy_wants_neighbours(state->policy) || has_gateway(state->links, link, address);
}

/* Of @family, or of both (0). */
static const struct link *best_default(const struct links *links, sa_family_t family)
{
	const struct route *best = NULL;

	for (unsigned i = 0; i < links->route_count; i++) {
		const struct route *route = &links->routes[i];

		if (!is_default(route) || (family && route->to.family != family))
			continue;
		if (!best || route->to.prefix > best->to.prefix ||
		    (route->to.prefix == best->to.prefix && route->metric < best->metric))
			best = route;
	}
	return best ? links_by_index(links, best->index) : NULL;
}

bool multipath_begins_on(const struct links *links, const struct link *link)
{
	return best_default(links, AF_INET) == link || best_default(links, AF_INET6) == link;
}

static bool tunnel_is_default(const struct links *links)
{
	const struct link *best = best_default(links, 0);

	if (best && best->kind == LINK_TUNNEL)
		return true;
	for (unsigned i = 0; i < 2; i++) {
		best = links_by_index(links, links->far[i]);
		if (best && best->kind == LINK_TUNNEL)
			return true;
	}
	return false;
}

static enum multipath_use judge(const struct multipath_state *state, const struct link *link,
				bool tunnelled)
{
	bool insists = policy_insists(state->policy, link), gateway = false;

	if (link->kind == LINK_LOOPBACK || (link->kind == LINK_VIRTUAL && !insists))
		return MULTIPATH_NOT_A_LINK;
	if (policy_of(state->policy, link) == POLICY_NEVER)
		return MULTIPATH_POLICY;
	if (!link->up)
		return MULTIPATH_DOWN;
	if (link->address_count == 0)
		return MULTIPATH_NO_ADDRESS;
	if (link->kind == LINK_TUNNEL && !insists)
		return MULTIPATH_TUNNEL;
	for (unsigned i = 0; i < link->address_count; i++)
		gateway = gateway || leads_to_peers(state, link, &link->addresses[i]);
	if (!gateway)
		return MULTIPATH_NO_GATEWAY;
	if (tunnelled && !insists)
		return MULTIPATH_BEHIND_TUNNEL;
	return silence_has(state->silence, link->index) ? MULTIPATH_SILENT : MULTIPATH_USED;
}

static int add(struct multipath_plan *plan, struct change change)
{
	struct change *grown = reallocarray(plan->changes, plan->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	plan->changes = grown;
	plan->changes[plan->count++] = change;
	return 0;
}

/* A silent link keeps its routes: what still goes out by its address must not take another link. */
static bool has_table(enum multipath_use use)
{
	return use == MULTIPATH_USED || use == MULTIPATH_SILENT;
}

/* Is @index a device through which its networks are reached, and that no table of ours leads to, or that alone leads to
 * them? What is behind a link that is down may well be reached over the others. */
static bool leads_elsewhere(const struct multipath_state *state, const struct multipath_plan *plan,
			    unsigned index)
{
	for (unsigned i = 0; i < state->links->count; i++)
		if (state->links->all[i].index == index)
			return state->links->all[i].up &&
			       (!has_table(plan->use[i]) ||
				!links_lead_out(state->links, &state->links->all[i]));
	return false;
}

/* The link's own table: on-link networks before gateways, which the kernel looks up in them. */
static int add_table(const struct multipath_state *state, const struct link *link,
		     struct multipath_plan *plan)
{
	for (int gateways = 0; gateways <= 1; gateways++) {
		for (unsigned i = 0; i < state->links->route_count; i++) {
			struct route route = state->links->routes[i];
			int err;

			if (gateways != (route.gateway.family != 0))
				continue;
			route.table = MULTIPATH_TABLE_FIRST + link->index;
			if (route.index != link->index) {
				if (is_default(&route) ||
				    !leads_elsewhere(state, plan, route.index))
					continue;
				route = (struct route){
					.to = route.to, .table = route.table, .thrown = true};
			}
			err = add(plan, (struct change){.kind = CHANGE_ROUTE, .route = route});
			if (err < 0)
				return err;
		}
	}
	return 0;
}

/* The address without its network. */
static struct address lone(const struct address *address)
{
	struct address alone = *address;

	alone.prefix = (uint8_t)(address_size(address) * 8);
	return alone;
}

static bool is_endpoint(const struct multipath_state *state, const struct address *address)
{
	for (unsigned i = 0; i < state->endpoint_count; i++)
		if (address_equal(&state->endpoints[i].address, address))
			return true;
	return false;
}

static int add_rules(const struct multipath_state *state, const struct link *link,
		     struct multipath_plan *plan)
{
	for (unsigned i = 0; i < link->address_count; i++) {
		struct change change = {.kind = CHANGE_RULE,
					.rule = {.from = lone(&link->addresses[i]),
						 .table = MULTIPATH_TABLE_FIRST + link->index,
						 .priority = MULTIPATH_PRIORITY}};
		int err = 0;

		if (leads_to_peers(state, link, &link->addresses[i]))
			err = add(plan, change);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The link with the best default route of @family among those that are used; NULL: there is none. */
static const struct link *best_used(const struct multipath_state *state,
				    const struct multipath_plan *plan, sa_family_t family)
{
	const struct link *best = NULL;
	uint32_t metric = 0;

	for (unsigned i = 0; i < state->links->count; i++) {
		const struct link *link = &state->links->all[i];
		const struct route *route = links_default(state->links, link, family);

		if (plan->use[i] != MULTIPATH_USED || !route || (best && route->metric >= metric))
			continue;
		best = link;
		metric = route->metric;
	}
	return best;
}

static int add_detours(const struct multipath_state *state, struct multipath_plan *plan)
{
	const sa_family_t families[] = {AF_INET, AF_INET6};

	for (unsigned i = 0; i < 2; i++) {
		const struct link *first = best_default(state->links, families[i]);
		const struct link *instead = best_used(state, plan, families[i]);
		struct change change = {.kind = CHANGE_RULE,
					.rule = {.from = {.family = families[i]},
						 .priority = MULTIPATH_DETOUR,
						 .personal = state->personal,
						 .user = state->user}};
		int err;

		if (!first || !instead || plan->use[first - state->links->all] != MULTIPATH_SILENT)
			continue;
		change.rule.table = MULTIPATH_TABLE_FIRST + instead->index;
		err = add(plan, change);
		if (err < 0)
			return err;
	}
	return 0;
}

/* *@count is that of all endpoints that the stack will have. */
static int add_endpoints(const struct multipath_state *state, const struct link *link,
			 uint32_t flags, struct multipath_plan *plan, unsigned *count)
{
	for (unsigned i = 0; i < link->address_count; i++) {
		const struct address *address = &link->addresses[i];
		struct change change = {.kind = CHANGE_ENDPOINT,
					.endpoint = {.address = lone(address),
						     .index = link->index,
						     .flags = flags}};
		int err;

		if (!leads_to_peers(state, link, address) || is_endpoint(state, address) ||
		    *count >= ENDPOINT_MAX)
			continue;
		err = add(plan, change);
		if (err < 0)
			return err;
		++*count;
	}
	return 0;
}

static int add_limits(const struct multipath_state *state, unsigned endpoints,
		      struct multipath_plan *plan)
{
	struct change change = {.kind = CHANGE_LIMITS,
				.limits = {.was = state->limits, .now = state->limits}};

	if (state->limits.subflows >= endpoints)
		return 0;
	change.limits.now.subflows = endpoints;
	return add(plan, change);
}

/* MPTCP_PM_ADDR_FLAG_* that endpoints of this link may have; 0: it has none. */
static uint32_t endpoint_flags(const struct policy *policy, const struct link *link,
			       enum multipath_use use)
{
	if (use == MULTIPATH_POLICY)
		return MPTCP_PM_ADDR_FLAG_BACKUP;
	if (use != MULTIPATH_USED)
		return 0;
	return MPTCP_PM_ADDR_FLAG_SUBFLOW |
	       (policy_is_backup(policy, link) ? MPTCP_PM_ADDR_FLAG_BACKUP : 0);
}

/* The base has none while it is well (see multipath.h), but to be left alone it needs one. */
static bool needs_endpoints(const struct multipath_state *state, const struct link *link,
			    uint32_t flags)
{
	return flags && (link->index != state->base || flags & MPTCP_PM_ADDR_FLAG_BACKUP);
}

static int fill(const struct multipath_state *state, struct multipath_plan *plan)
{
	unsigned endpoints = state->endpoint_count, tables = 0;
	bool routed;
	int err = 0;

	/* Beside an excluded link, too: a rule says to other runs that this one is used (multipath.h). */
	for (unsigned i = 0; i < state->links->count; i++)
		tables += has_table(plan->use[i]) ||
			  (plan->use[i] == MULTIPATH_POLICY && state->links->all[i].up);
	routed = tables >= 2 || state->routed;
	for (unsigned i = 0; routed && i < state->links->count && err == 0; i++)
		if (has_table(plan->use[i]))
			err = add_table(state, &state->links->all[i], plan);
	for (unsigned i = 0; routed && i < state->links->count && err == 0; i++)
		if (has_table(plan->use[i]))
			err = add_rules(state, &state->links->all[i], plan);
	if (routed && err == 0)
		err = add_detours(state, plan);
	if (err < 0 || !state->path_manager)
		return err;
	/* Those that carry something come first: there is not room for all. */
	for (int excluded = 0; excluded <= 1; excluded++) {
		for (unsigned i = 0; i < state->links->count && err == 0; i++) {
			const struct link *link = &state->links->all[i];
			uint32_t flags = endpoint_flags(state->policy, link, plan->use[i]);

			if (needs_endpoints(state, link, flags) &&
			    excluded == (plan->use[i] == MULTIPATH_POLICY))
				err = add_endpoints(state, link, flags, plan, &endpoints);
		}
	}
	return err < 0 ? err : add_limits(state, endpoints, plan);
}

int multipath_plan(const struct multipath_state *state, struct multipath_plan *ret)
{
	bool tunnelled = tunnel_is_default(state->links);
	struct multipath_plan plan = {0};
	int err = 0;

	plan.use = calloc(state->links->count + 1, sizeof(*plan.use));
	if (!plan.use)
		return -ENOMEM;
	for (unsigned i = 0; i < state->links->count; i++) {
		plan.use[i] = judge(state, &state->links->all[i], tunnelled);
		plan.used += plan.use[i] == MULTIPATH_USED;
	}
	err = fill(state, &plan);
	if (err < 0)
		multipath_plan_free(&plan);
	else
		*ret = plan;
	return err;
}

void multipath_plan_free(struct multipath_plan *plan)
{
	free(plan->changes);
	free(plan->use);
	*plan = (struct multipath_plan){0};
}

const struct endpoint *multipath_contradiction(const struct links *links,
					       const struct policy *policy,
					       const enum multipath_use *use,
					       const struct endpoint *endpoints, unsigned count)
{
	const uint32_t matter = MPTCP_PM_ADDR_FLAG_SUBFLOW | MPTCP_PM_ADDR_FLAG_BACKUP;

	for (unsigned i = 0; i < count; i++) {
		const struct endpoint *endpoint = &endpoints[i];
		const struct link *link = links_by_address(links, &endpoint->address);
		uint32_t is = endpoint->flags & matter, wanted;

		if (!link || endpoint->flags & MPTCP_PM_ADDR_FLAG_IMPLICIT)
			continue;
		wanted = endpoint_flags(policy, link, use[link - links->all]);
		if (wanted & MPTCP_PM_ADDR_FLAG_SUBFLOW ? is != wanted
							: wanted && is & MPTCP_PM_ADDR_FLAG_SUBFLOW)
			return endpoint;
	}
	return NULL;
}
