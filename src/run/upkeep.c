/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/upkeep.h"

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

static int follow(struct upkeep *upkeep)
{
	struct native_facts facts = {.silent = upkeep->silent,
				     .silent_count = upkeep->silent_count,
				     .policy = upkeep->options->policy};
	struct native_plan plan;
	struct err err;
	int code;

	facts.ours = journal_changes(upkeep->journal, &facts.our_count);
	code = native_plan(&upkeep->netstack, &facts, &plan, &err);

	if (code < 0) {
		fprintf(stderr, "rivulet: %s\n", err.text);
		return code;
	}
	native_plan_free(&upkeep->plan);
	upkeep->plan = plan;
	if (!upkeep->unprivileged)
		journal_follow(upkeep->journal, &upkeep->netstack, plan.multipath.changes,
			       plan.multipath.count, on_change, upkeep);
	return 0;
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
	code = follow(upkeep);
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

void upkeep_silence(struct upkeep *upkeep, unsigned link, bool silent)
{
	unsigned at = 0;

	while (at < upkeep->silent_count && upkeep->silent[at] != link)
		at++;
	if (silent == (at < upkeep->silent_count))
		return;
	if (!silent)
		upkeep->silent[at] = upkeep->silent[--upkeep->silent_count];
	else if (at < UPKEEP_SILENT_MAX)
		upkeep->silent[upkeep->silent_count++] = link;
	follow(upkeep);
}
