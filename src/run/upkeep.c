/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/upkeep.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "link/backlog.h"
#include "link/watch.h"
#include "run/explain.h"

#include <errno.h>
#include <string.h>

static void on_change(const struct change *change, int result, void *data)
{
	struct upkeep *upkeep = data;
	const struct run_options *options = upkeep->options;

	if (result == -EPERM || result == -EACCES)
		upkeep->unprivileged = true;
	else if (options->explain || (result < 0 && !options->quiet))
		explain_change(change, result, stderr);
}

/* What it was before any run changed it. A user who chose a value of their own keeps it. */
static bool backlog_is_free(const struct upkeep *upkeep)
{
	unsigned count;
	const struct change *changes = journal_changes(upkeep->journal, &count);
	uint32_t is;

	for (unsigned i = 0; i < count; i++)
		if (changes[i].kind == CHANGE_BACKLOG)
			return true;
	return backlog_get(&is) == 0 && is == BACKLOG_UNLIMITED;
}

/* Makes the stack have what the plan and the backlog ask for. */
static int apply(struct upkeep *upkeep)
{
	const struct multipath_plan *plan = &upkeep->plan.multipath;
	_cleanup_free_ struct change *wanted = calloc(plan->count + 1, sizeof(*wanted));
	unsigned count = plan->count;

	if (!wanted)
		return -ENOMEM;
	if (count > 0)
		memcpy(wanted, plan->changes, count * sizeof(*wanted));
	if (upkeep->backlog && backlog_is_free(upkeep))
		wanted[count++] = (struct change){
			.kind = CHANGE_BACKLOG,
			.backlog = {.was = BACKLOG_UNLIMITED, .now = upkeep->backlog}};
	return journal_follow(upkeep->journal, &upkeep->netstack, wanted, count, on_change, upkeep);
}

void upkeep_backlog(struct upkeep *upkeep, uint64_t rate)
{
	uint32_t backlog = rate ? backlog_for(rate) : 0;
	uint64_t now = clock_now();

	/* Rates are estimates, and a pause is not an end. */
	if (upkeep->unprivileged || backlog == upkeep->backlog ||
	    now - upkeep->backlog_at < (backlog ? NS_PER_S / 4 : 2 * NS_PER_S))
		return;
	upkeep->backlog = backlog;
	upkeep->backlog_at = now;
	apply(upkeep);
}

static enum multipath_use use_of(const struct native_plan *plan, unsigned index)
{
	for (unsigned i = 0; i < plan->links.count; i++)
		if (plan->links.all[i].index == index)
			return plan->multipath.use[i];
	return MULTIPATH_DOWN; /* it is gone */
}

/* The base is not usable any more: the subflows that connections began with are closed, as those of other links are with
 * their endpoints. */
static void leave_base(struct upkeep *upkeep)
{
	const struct link *link = links_by_index(&upkeep->plan.links, upkeep->base);

	for (unsigned i = 0; link && i < link->address_count; i++)
		endpoint_drop_initial(upkeep->netstack.generic, upkeep->netstack.mptcp,
				      &link->addresses[i]);
	if (link && upkeep->options->explain)
		explain_left(link, stderr);
}

/* What the base is at first: the link that connections begin on, if it is used. */
static unsigned find_base(const struct native_plan *plan)
{
	for (unsigned i = 0; i < plan->links.count; i++)
		if (plan->multipath.use[i] == MULTIPATH_USED &&
		    multipath_begins_on(&plan->links, &plan->links.all[i]))
			return plan->links.all[i].index;
	return 0;
}

static bool is_base_still(const struct native_plan *plan, unsigned base)
{
	return base == 0 || base == find_base(plan);
}

static int make_plan(struct upkeep *upkeep, struct native_plan *ret)
{
	struct native_facts facts = {.silent = upkeep->silent,
				     .silent_count = upkeep->silent_count,
				     .base = upkeep->base,
				     .policy = upkeep->options->policy};
	struct err err;
	int code;

	facts.ours = journal_changes(upkeep->journal, &facts.our_count);
	code = native_plan(&upkeep->netstack, &facts, ret, &err);
	if (code < 0)
		fprintf(stderr, "rivulet: %s\n", err.text);
	return code;
}

static int follow(struct upkeep *upkeep)
{
	struct native_plan plan;
	bool left = false;
	int code = make_plan(upkeep, &plan);

	if (code == 0 && !is_base_still(&plan, upkeep->base)) {
		left = use_of(&plan, upkeep->base) != MULTIPATH_USED;
		native_plan_free(&plan);
		if (left && !upkeep->unprivileged)
			leave_base(upkeep);
		upkeep->base = 0;
		code = make_plan(upkeep, &plan);
	}
	if (code < 0)
		return code;
	native_plan_free(&upkeep->plan);
	upkeep->plan = plan;
	if (!upkeep->unprivileged)
		apply(upkeep);
	return 0;
}

/* Does what others have set up leave room for this run's policy? Nothing is changed before. */
static int look_for_others(struct upkeep *upkeep, const struct native_plan *plan)
{
	struct native_facts facts = {0};
	struct err why = {0};
	int code;

	/* Wants nothing yet: what dead runs have left goes. */
	journal_follow(upkeep->journal, &upkeep->netstack, NULL, 0, on_change, upkeep);
	facts.ours = journal_changes(upkeep->journal, &facts.our_count);
	code = native_contradiction(&upkeep->netstack, &facts, plan, &why);
	if (code < 0 || (code > 0 && !upkeep->options->quiet))
		fprintf(stderr, "rivulet: %s\n", why.text);
	return code;
}

/* The first time the base is found out, then the links are set up around it. */
static int begin(struct upkeep *upkeep)
{
	struct native_plan plan;
	int code = make_plan(upkeep, &plan);

	if (code < 0)
		return code;
	upkeep->base = find_base(&plan);
	code = look_for_others(upkeep, &plan);
	native_plan_free(&plan);
	return code < 0 ? code : follow(upkeep);
}

int upkeep_open(struct upkeep *upkeep, const struct run_options *options, struct journal *journal)
{
	int code;

	*upkeep = (struct upkeep){.options = options, .journal = journal};
	code = netstack_open_host(&upkeep->netstack);
	if (code < 0) {
		fprintf(stderr, "rivulet: cannot reach the kernel's network configuration: %s\n",
			strerror(-code));
		return code;
	}
	/* Watch first, so that nothing changes unseen between. */
	if (watch_open(&upkeep->watch) < 0)
		upkeep->watch = NULL;
	code = begin(upkeep);
	if (code < 0)
		return code;
	if (options->explain)
		explain_plan(&upkeep->plan, stderr);
	if (upkeep->unprivileged && !options->quiet)
		fprintf(stderr,
			"rivulet: no right to set up the links (CAP_NET_ADMIN): sockets are MPTCP, "
			"but only links that are set up already carry subflows\n");
	return 0;
}

void upkeep_close(struct upkeep *upkeep)
{
	nl_close(upkeep->watch);
	native_plan_free(&upkeep->plan);
	netstack_close(&upkeep->netstack);
}

void upkeep_on_links(struct upkeep *upkeep)
{
	if (watch_changed(upkeep->watch))
		follow(upkeep);
}

void upkeep_silence(struct upkeep *upkeep, unsigned link, enum upkeep_witness witness, bool silent)
{
	unsigned at = 0;

	while (at < upkeep->silent_count && upkeep->silent[at] != link)
		at++;
	if (at == UPKEEP_SILENT_MAX || (!silent && at == upkeep->silent_count))
		return;
	if (at == upkeep->silent_count) {
		upkeep->silent[at] = link;
		upkeep->silent_for[at] = 0;
		upkeep->silent_count++;
	}
	if (silent)
		upkeep->silent_for[at] |= witness;
	else
		upkeep->silent_for[at] &= ~(unsigned)witness;
	if (!upkeep->silent_for[at]) {
		upkeep->silent_count--;
		upkeep->silent[at] = upkeep->silent[upkeep->silent_count];
		upkeep->silent_for[at] = upkeep->silent_for[upkeep->silent_count];
	}
	follow(upkeep);
}
