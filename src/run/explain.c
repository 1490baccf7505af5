/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/explain.h"

#include "run/journal.h"

#include <string.h>

static const char *use_text(enum policy_use use)
{
	switch (use) {
	case POLICY_BACKUP:
		return "used as a backup";
	case POLICY_METERED:
		return "used as a backup: it is metered";
	default:
		return "used";
	}
}

static void explain_link(const struct native_plan *plan, const struct link *link,
			 enum multipath_use use, FILE *out)
{
	char text[ADDRESS_TEXT_MAX];

	fprintf(out, "rivulet: link %s (%s", link->name, link_kind_names[link->kind]);
	for (unsigned i = 0; i < link->address_count; i++)
		fprintf(out, ", %s", address_text(&link->addresses[i], text));
	if (use == MULTIPATH_USED)
		fprintf(out, "): %s\n", use_text(policy_of(plan->policy, link)));
	else
		fprintf(out, "): not used: %s\n", multipath_use_text[use]);
}

/* Who excluded a link should know that packets go over it all the same. */
static void explain_start(const struct native_plan *plan, FILE *out)
{
	const struct links *links = &plan->links;

	for (unsigned i = 0; i < links->count; i++) {
		const struct link *link = &links->all[i];

		if (plan->multipath.use[i] != MULTIPATH_POLICY || !multipath_begins_on(links, link))
			continue;
		fprintf(out,
			"rivulet: connections still begin on %s: the default route leads over "
			"it, and is everyone's; ",
			link->name);
		fputs(plan->multipath.used
			      ? "each leaves it as soon as another link carries a subflow\n"
			      : "they stay there, as no other link can be used\n",
		      out);
	}
}

void explain_plan(const struct native_plan *plan, FILE *out)
{
	fprintf(out, "rivulet: stack native: this kernel speaks MPTCP\n");
	for (unsigned i = 0; i < plan->links.count; i++)
		if (plan->links.all[i].kind != LINK_LOOPBACK)
			explain_link(plan, &plan->links.all[i], plan->multipath.use[i], out);
	explain_start(plan, out);
	if (plan->multipath.used < 2)
		fprintf(out,
			"rivulet: %s: no second path for now; sockets are MPTCP all the same, and "
			"the peer may open further subflows\n",
			plan->multipath.used ? "one usable link" : "no link with a default route");
	if (plan->own_path_manager)
		fprintf(out, "rivulet: a daemon manages paths here (net.mptcp.pm_type=1): it "
			     "decides on subflows, not our endpoints\n");
}

void explain_change(const struct change *change, int result, FILE *out)
{
	char text[256];

	change_text(change, text, sizeof(text));
	if (result < 0)
		fprintf(out, "rivulet: %s: %s\n", text, strerror(-result));
	else
		fprintf(out, "rivulet: %s %s\n",
			result == JOURNAL_UNDONE ? "taken back:"
			: result == 1            ? "there already:"
						 : "set up:",
			text);
}

void explain_left(const struct link *link, FILE *out)
{
	fprintf(out, "rivulet: connections leave %s, on which they began\n", link->name);
}

void explain_monitor(const struct links *links, unsigned link, enum monitor_action action,
		     FILE *out)
{
	const char *const words[] = {
		[MONITOR_TAKE_OUT] = "does not answer: taken out of use",
		[MONITOR_PROBE] = "is asked whether it is back",
		[MONITOR_PUT_IN] = "is put back into use",
	};
	const struct link *known = links_by_index(links, link);

	fprintf(out, "rivulet: link %s %s\n", known ? known->name : "?", words[action]);
}

void explain_rejoin(const struct links *links, unsigned link, FILE *out)
{
	const struct link *known = links_by_index(links, link);

	fprintf(out, "rivulet: link %s carries no subflow: its endpoints are put in anew\n",
		known ? known->name : "?");
}
