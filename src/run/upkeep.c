/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/upkeep.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "link/backlog.h"
#include "link/watch.h"
#include "run/bystanders.h"
#include "run/explain.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <string.h>

static void say(const struct upkeep *upkeep, enum net_report_kind kind, const char *text)
{
	upkeep->setup.say(kind, text, upkeep->setup.data);
}

static void on_change(const struct change *change, int result, void *data)
{
	struct upkeep *upkeep = data;
	char text[EXPLAIN_MAX];
	/* Not every kernel has it, a container may have it read-only, and the run goes on without. */
	bool stays = change->kind == CHANGE_BLACKHOLE && result < 0;
	/* Of all for which there is no room in the journal one is enough to say. */
	bool again = upkeep->full && result == -ENOSPC;

	upkeep->full = upkeep->full || result == -ENOSPC;
	upkeep->blackhole_stays = upkeep->blackhole_stays || stays;
	if (!stays && (result == -EPERM || result == -EACCES))
		upkeep->unprivileged = true;
	else
		say(upkeep, result < 0 && !stays && !again ? NET_NOTES : NET_EXPLAINS,
		    explain_change(change, result, text, sizeof(text)));
}

/* What it was before any run changed it; 0: cannot be told. */
static uint32_t backlog_before(const struct upkeep *upkeep)
{
	unsigned count;
	const struct change *changes = journal_changes(upkeep->setup.journal, &count);
	uint32_t is;

	for (unsigned i = 0; i < count; i++)
		if (changes[i].kind == CHANGE_BACKLOG)
			return changes[i].backlog.was;
	return backlog_get(&is) == 0 ? is : 0;
}

/* Is it an endpoint whose subflows the plan does without? */
static bool goes(const struct multipath_plan *plan, const struct change *change)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (change_equal(change, &plan->changes[i]) ||
		    change_is_mild(change, &plan->changes[i]))
			return false;
	return change->kind == CHANGE_ENDPOINT;
}

/* Makes the stack have what the plan and the backlog ask for. Endpoints that are not in the plan any more stay while a
 * connection has nothing else (@last): a connection is never cut off for a link that may come back. */
static int apply(struct upkeep *upkeep, const struct bystanders *last)
{
	const struct multipath_plan *plan = &upkeep->plan.multipath;
	unsigned count = plan->count, old_count;
	const struct change *old = journal_changes(upkeep->setup.journal, &old_count);
	_cleanup_free_ struct change *wanted = calloc(count + old_count + 2, sizeof(*wanted));
	uint32_t before = upkeep->backlog ? backlog_before(upkeep) : 0;

	if (!wanted)
		return -ENOMEM;
	if (count > 0)
		memcpy(wanted, plan->changes, count * sizeof(*wanted));
	for (unsigned i = 0; last && i < old_count; i++) {
		if (!goes(plan, &old[i]) || !bystanders_cut_off(last, &old[i].endpoint.address))
			continue;
		wanted[count++] = old[i];
		upkeep->deferred = true;
	}
	/* While something is put off nothing follows, and a bound that does not would be in the way. */
	if (!upkeep->deferred && upkeep->backlog && upkeep->backlog < before)
		wanted[count++] = (struct change){
			.kind = CHANGE_BACKLOG, .backlog = {.was = before, .now = upkeep->backlog}};
	if (!upkeep->blackhole_stays)
		wanted[count++] = (struct change){.kind = CHANGE_BLACKHOLE};
	return journal_follow(upkeep->setup.journal, &upkeep->netstack, wanted, count, on_change,
			      upkeep);
}

void upkeep_backlog(struct upkeep *upkeep, uint32_t bytes)
{
	upkeep->backlog = bytes;
	if (!upkeep->unprivileged && !upkeep->deferred)
		apply(upkeep, NULL);
}

static enum multipath_use use_of(const struct native_plan *plan, unsigned index)
{
	for (unsigned i = 0; i < plan->links.count; i++)
		if (plan->links.all[i].index == index)
			return plan->multipath.use[i];
	return MULTIPATH_DOWN; /* it is gone */
}

/* What connections that began on the base have to leave: all of it where it is not @usable any more, else the addresses that it has
 * lost. */
static struct link leaving(const struct upkeep *upkeep, const struct native_plan *plan, bool usable)
{
	const struct link *now = links_by_index(&plan->links, upkeep->base);
	struct link left = upkeep->base_link;

	left.address_count = 0;
	for (unsigned i = 0; upkeep->base && i < upkeep->base_link.address_count; i++)
		if (!usable || !link_keeps(now, &upkeep->base_link.addresses[i]))
			left.addresses[left.address_count++] = upkeep->base_link.addresses[i];
	return left;
}

/* The subflows that connections began with are closed, as those of other links are with their endpoints. */
static void leave_base(struct upkeep *upkeep, const struct link *left)
{
	char text[EXPLAIN_MAX];

	for (unsigned i = 0; i < left->address_count; i++)
		endpoint_drop_initial(upkeep->netstack.generic, upkeep->netstack.mptcp,
				      &left->addresses[i]);
	say(upkeep, NET_EXPLAINS, explain_left(left, text, sizeof(text)));
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

static int make_plan(struct upkeep *upkeep, struct native_plan *ret, struct err *err)
{
	struct native_facts facts = {.silence = &upkeep->silence,
				     .base = upkeep->base,
				     .policy = upkeep->setup.policy,
				     .personal = upkeep->setup.personal,
				     .user = upkeep->setup.user};

	facts.ours = journal_changes(upkeep->setup.journal, &facts.our_count);
	return native_plan(&upkeep->netstack, &facts, ret, err);
}

/* Who is on the addresses that are about to lose their subflows: of endpoints that @plan does without, and those of the base that
 * are @left. */
static void look_who_is_last(struct upkeep *upkeep, const struct native_plan *plan,
			     const struct link *left, struct bystanders *ret)
{
	struct address addresses[BYSTANDERS_ADDRESSES];
	unsigned count = 0, old_count;
	const struct change *old = journal_changes(upkeep->setup.journal, &old_count);

	for (unsigned i = 0; i < old_count && count < BYSTANDERS_ADDRESSES; i++)
		if (goes(&plan->multipath, &old[i]))
			addresses[count++] = old[i].endpoint.address;
	for (unsigned i = 0; i < left->address_count; i++)
		if (count < BYSTANDERS_ADDRESSES)
			addresses[count++] = left->addresses[i];
	if (count > 0)
		bystanders_look_at(ret, &upkeep->netstack, addresses, count);
}

static bool is_left_last(const struct link *left, const struct bystanders *last)
{
	for (unsigned i = 0; i < left->address_count; i++)
		if (bystanders_cut_off(last, &left->addresses[i]))
			return true;
	return false;
}

/* Is what goes to be kept for a moment still? */
static bool settles(struct upkeep *upkeep, const struct bystanders *last)
{
	uint64_t now = clock_now();

	if (upkeep->settles_at == 0)
		upkeep->settles_at = now + bystanders_settle(last) * NS_PER_MS;
	if (now < upkeep->settles_at)
		return true;
	upkeep->settles_at = 0;
	return false;
}

/* Remembers the base as it was when last well: its addresses are still to be known when it is left. */
static void keep_base(struct upkeep *upkeep)
{
	const struct link *link = links_by_index(&upkeep->plan.links, upkeep->base);

	if (link && use_of(&upkeep->plan, upkeep->base) == MULTIPATH_USED)
		upkeep->base_link = *link;
}

/* Subflows that have stayed on a link that was not used since @before, for their connections had nothing else, go on. */
static void tell_returned(struct upkeep *upkeep, const struct native_plan *before)
{
	const struct native_plan *now = &upkeep->plan;

	for (unsigned i = 0; before->multipath.use && i < before->links.count; i++) {
		unsigned index = before->links.all[i].index;

		if (before->multipath.use[i] != MULTIPATH_USED &&
		    use_of(now, index) == MULTIPATH_USED)
			endpoint_tell(upkeep->netstack.generic, upkeep->netstack.mptcp, index);
	}
}

static bool was_out(const struct upkeep *upkeep, unsigned index)
{
	return links_by_index(&upkeep->plan.links, index) &&
	       use_of(&upkeep->plan, index) != MULTIPATH_USED;
}

static int follow(struct upkeep *upkeep, struct err *err)
{
	struct bystanders last = {0};
	struct native_plan plan, before;
	struct link left;
	bool usable, leaves, last_left, back, kept;
	int code = make_plan(upkeep, &plan, err);

	if (code < 0)
		return code;
	if (!upkeep->deferred)
		upkeep->kept_at = clock_now();
	kept = clock_now() - upkeep->kept_at >= ENDPOINT_TELL_AFTER;
	upkeep->deferred = false;
	usable = use_of(&plan, upkeep->base) == MULTIPATH_USED;
	left = leaving(upkeep, &plan, usable);
	leaves = left.address_count > 0;
	back = upkeep->base && !leaves && was_out(upkeep, upkeep->base);
	if (!upkeep->unprivileged)
		look_who_is_last(upkeep, &plan, &left, &last);
	if (upkeep->plan.multipath.use && settles(upkeep, &last)) {
		upkeep->deferred = true;
		bystanders_free(&last);
		native_plan_free(&plan);
		return 0;
	}
	last_left = leaves && is_left_last(&left, &last);
	if (last_left && !usable) {
		upkeep->deferred = true;
	} else if (leaves || back || !is_base_still(&plan, upkeep->base)) {
		native_plan_free(&plan);
		if (leaves && !last_left && !upkeep->unprivileged)
			leave_base(upkeep, &left);
		upkeep->base = 0;
		code = make_plan(upkeep, &plan, err);
	}
	if (code == 0) {
		before = upkeep->plan;
		upkeep->plan = plan;
		keep_base(upkeep);
	}
	if (code == 0 && !upkeep->unprivileged) {
		apply(upkeep, &last);
		if (kept)
			tell_returned(upkeep, &before);
	}
	if (code == 0)
		native_plan_free(&before);
	bystanders_free(&last);
	return code;
}

/* Later on what cannot be done is only to be known. */
static void follow_on(struct upkeep *upkeep)
{
	struct err err;

	if (follow(upkeep, &err) < 0)
		say(upkeep, NET_NOTES, err.text);
}

void upkeep_retry(struct upkeep *upkeep)
{
	if (upkeep->deferred)
		follow_on(upkeep);
}

/* Does what others have set up leave room for this run's policy? Nothing is changed before. */
static int look_for_others(struct upkeep *upkeep, const struct native_plan *plan, struct err *err)
{
	struct native_facts facts = {0};
	int code;

	/* Wants nothing yet: what dead runs have left goes. */
	journal_follow(upkeep->setup.journal, &upkeep->netstack, NULL, 0, on_change, upkeep);
	facts.ours = journal_changes(upkeep->setup.journal, &facts.our_count);
	code = native_contradiction(&upkeep->netstack, &facts, plan, err);
	if (code > 0)
		say(upkeep, NET_NOTES, err->text);
	return code;
}

/* The first time the base is found out, then the links are set up around it. */
static int begin(struct upkeep *upkeep, struct err *err)
{
	struct native_plan plan;
	int code = make_plan(upkeep, &plan, err);

	if (code < 0)
		return code;
	upkeep->base = find_base(&plan);
	code = look_for_others(upkeep, &plan, err);
	native_plan_free(&plan);
	return code < 0 ? code : follow(upkeep, err);
}

int upkeep_open(struct upkeep *upkeep, const struct upkeep_setup *setup, struct err *err)
{
	int code;

	*upkeep = (struct upkeep){.setup = *setup};
	code = netstack_open_host(&upkeep->netstack);
	if (code < 0)
		return err_set(err, code, "cannot reach the kernel's network configuration: %s",
			       strerror(-code));
	/* Watch first, so that nothing changes unseen between. */
	if (watch_open(&upkeep->watch) < 0)
		upkeep->watch = NULL;
	code = begin(upkeep, err);
	if (code < 0)
		upkeep_close(upkeep);
	return code;
}

void upkeep_close(struct upkeep *upkeep)
{
	nl_close(upkeep->watch);
	upkeep->watch = NULL;
	native_plan_free(&upkeep->plan);
	netstack_close(&upkeep->netstack);
}

bool upkeep_on_links(struct upkeep *upkeep)
{
	bool changed = watch_changed(upkeep->watch);

	if (!changed)
		return false;
	follow_on(upkeep);
	/* A link that was away and is as before is nothing to the plan. */
	if (!upkeep->unprivileged)
		journal_renew(upkeep->setup.journal, &upkeep->netstack, on_change, upkeep);
	return true;
}

/* The base has been out, if only for those who have nothing else: from now on it has an endpoint, as the others have. */
static void tell(struct upkeep *upkeep, unsigned link)
{
	if (upkeep->unprivileged)
		return;
	if (link == upkeep->base) {
		upkeep->base = 0;
		follow_on(upkeep);
	}
	endpoint_tell(upkeep->netstack.generic, upkeep->netstack.mptcp, link);
}

void upkeep_silence(struct upkeep *upkeep, unsigned link, bool silent)
{
	if (silence_set(&upkeep->silence, link, silent))
		follow_on(upkeep);
	else if (!silent)
		tell(upkeep, link);
}

void upkeep_renew(struct upkeep *upkeep, unsigned link)
{
	if (silence_has(&upkeep->silence, link))
		return; /* it has none */
	upkeep_silence(upkeep, link, true);
	upkeep_silence(upkeep, link, false);
}

/* Subflows that connections began with have no endpoint whose flag would be changed, and learn by its being set. */
static void tell_initial(struct upkeep *upkeep)
{
	const struct link *base = &upkeep->base_link;

	for (unsigned i = 0; i < base->address_count; i++) {
		struct endpoint endpoint = {.address = base->addresses[i]};

		for (int backup = 0; backup <= 1; backup++) {
			endpoint.flags = backup ? MPTCP_PM_ADDR_FLAG_BACKUP : 0;
			endpoint_set_backup(upkeep->netstack.generic, upkeep->netstack.mptcp,
					    &endpoint);
		}
	}
}

/* From when the base is a backup it has endpoints as the others have. */
void upkeep_on_policy(struct upkeep *upkeep)
{
	const struct link *base = links_by_index(&upkeep->plan.links, upkeep->base);
	bool rests = base && policy_is_backup(upkeep->setup.policy, base) &&
		     use_of(&upkeep->plan, upkeep->base) == MULTIPATH_USED;

	if (rests)
		upkeep->base = 0;
	follow_on(upkeep);
	if (rests && !upkeep->unprivileged)
		tell_initial(upkeep);
}
