/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "stack/native.h"
#include "stack/stack.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <string.h>

int native_probe(struct err *why)
{
	return stack_native.probe(why);
}

/* Only the kernel's own path manager (0) looks at endpoints. */
static bool has_own_path_manager(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/net/mptcp/pm_type", "re");

	return file && getc(file) == '1';
}

/* Endpoints of others: what is there but not among our own changes. */
struct others {
	const struct native_facts *facts;
	struct endpoint all[ENDPOINT_MAX];
	unsigned count;
};

static int keep_endpoint(const struct endpoint *endpoint, void *data)
{
	struct others *others = data;

	for (unsigned i = 0; i < others->facts->our_count; i++) {
		const struct change *ours = &others->facts->ours[i];

		if (ours->kind == CHANGE_ENDPOINT &&
		    address_equal(&ours->endpoint.address, &endpoint->address))
			return 0;
	}
	if (others->count < ENDPOINT_MAX)
		others->all[others->count++] = *endpoint;
	return 0;
}

static int read_limits(struct netstack *netstack, const struct native_facts *facts,
		       struct endpoint_limits *ret)
{
	for (unsigned i = 0; i < facts->our_count; i++) {
		if (facts->ours[i].kind == CHANGE_LIMITS) {
			*ret = facts->ours[i].limits.was;
			return 0;
		}
	}
	return endpoint_limits_get(netstack->generic, netstack->mptcp, ret);
}

static bool is_routed(const struct native_facts *facts)
{
	for (unsigned i = 0; i < facts->our_count; i++)
		if (facts->ours[i].kind == CHANGE_RULE)
			return true;
	return false;
}

/* Unless somebody has changed them. */
static const struct endpoint_limits kernels_limits = {.subflows = 2};

int native_plan(struct netstack *netstack, const struct native_facts *facts,
		struct native_plan *ret, struct err *err)
{
	struct native_plan plan = {.policy = facts->policy,
				   .own_path_manager = has_own_path_manager()};
	struct others others = {.facts = facts};
	struct multipath_state state = {.links = &plan.links,
					.path_manager = netstack->mptcp != 0,
					.limits = kernels_limits,
					.policy = facts->policy,
					.silence = facts->silence,
					.base = facts->base,
					.routed = facts->routed || is_routed(facts),
					.personal = facts->personal,
					.user = facts->user};
	int code = links_read(netstack->route, &plan.links);

	if (code < 0)
		return err_set(err, code, "cannot list the links: %s", strerror(-code));
	if (state.path_manager)
		code = endpoint_dump(netstack->generic, netstack->mptcp, keep_endpoint, &others);
	if (code == 0 && state.path_manager)
		code = read_limits(netstack, facts, &state.limits);
	if (code == -EPERM) /* some kernels show these only to who may change them */
		code = 0;
	if (code < 0) {
		links_free(&plan.links);
		return err_set(err, code, "cannot read the MPTCP endpoints: %s", strerror(-code));
	}
	state.endpoints = others.all;
	state.endpoint_count = others.count;
	code = multipath_plan(&state, &plan.multipath);
	if (code < 0) {
		links_free(&plan.links);
		return err_set(err, code, "cannot plan the links: %s", strerror(-code));
	}
	*ret = plan;
	return 0;
}

static int keep_all(const struct endpoint *endpoint, void *data)
{
	struct others *all = data;

	if (all->count < ENDPOINT_MAX)
		all->all[all->count++] = *endpoint;
	return 0;
}

/* Rules are made for links that are used; the base of a run may have no endpoint that would tell. */
static const struct link *find_in_use(const struct native_facts *facts,
				      const struct native_plan *plan, const struct others *all)
{
	for (unsigned i = 0; i < facts->our_count; i++) {
		const struct change *made = &facts->ours[i];
		const struct link *link = NULL;
		bool endpoint = false;

		if (made->kind == CHANGE_RULE)
			link = links_by_address(&plan->links, &made->rule.from);
		for (unsigned j = 0; link && j < all->count; j++)
			endpoint = endpoint ||
				   links_by_address(&plan->links, &all->all[j].address) == link;
		if (link && !endpoint && policy_is_wish(plan->policy, link) &&
		    (policy_of(plan->policy, link) == POLICY_NEVER ||
		     policy_is_backup(plan->policy, link)))
			return link;
	}
	return NULL;
}

/* One that contradicts a wish, or else any; NULL: none. */
static const struct endpoint *find_contradiction(const struct native_plan *plan,
						 const struct others *all)
{
	const struct endpoint *at = all->all, *found = NULL, *first = NULL;

	while ((found = multipath_contradiction(&plan->links, plan->policy, plan->multipath.use, at,
						all->count - (unsigned)(at - all->all)))) {
		if (policy_is_wish(plan->policy, links_by_address(&plan->links, &found->address)))
			return found;
		first = first ? first : found;
		at = found + 1;
	}
	return first;
}

int native_contradiction(struct netstack *netstack, const struct native_facts *facts,
			 const struct native_plan *plan, struct err *why)
{
	const struct endpoint *endpoint;
	char text[ADDRESS_TEXT_MAX];
	struct others all = {0};
	const struct link *link;
	enum policy_use wish;

	if (!netstack->mptcp ||
	    endpoint_dump(netstack->generic, netstack->mptcp, keep_all, &all) < 0)
		return 0;
	endpoint = find_contradiction(plan, &all);
	link = endpoint ? links_by_address(&plan->links, &endpoint->address) : NULL;
	if (!link || !policy_is_wish(plan->policy, link)) {
		const struct link *used = find_in_use(facts, plan, &all);

		if (used)
			return err_set(why, -EBUSY,
				       "the policy '%s' cannot be kept: link %s is used by another "
				       "run",
				       policy_use_names[policy_of(plan->policy, used)], used->name);
	}
	if (!link)
		return 0;
	wish = policy_of(plan->policy, link);
	err_set(why, 0,
		"link %s is %s here, by another run or somebody's MPTCP endpoint %s (`ip mptcp "
		"endpoint`)",
		link->name,
		!(endpoint->flags & MPTCP_PM_ADDR_FLAG_SUBFLOW) ? "kept out of use"
		: endpoint->flags & MPTCP_PM_ADDR_FLAG_BACKUP   ? "a backup"
								: "used for subflows",
		address_text(&endpoint->address, text));
	if (!policy_is_wish(plan->policy, link))
		return 1;
	return err_prefix(why, -EBUSY, "the policy '%s' cannot be kept", policy_use_names[wish]);
}

void native_plan_free(struct native_plan *plan)
{
	links_free(&plan->links);
	multipath_plan_free(&plan->multipath);
}
