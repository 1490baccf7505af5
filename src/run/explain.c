/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/explain.h"

#include "run/journal.h"

#include <errno.h>
#include <stdarg.h>
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

struct line {
	char text[1024];
	size_t length;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->length;
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(line->text + line->length, room, format, args);
	va_end(args);
	if (more > 0)
		line->length += (size_t)more < room ? (size_t)more : room - 1;
}

static void explain_link(const struct native_plan *plan, const struct link *link,
			 enum multipath_use use, explain_say say, void *data)
{
	char text[ADDRESS_TEXT_MAX];
	struct line line = {0};

	add(&line, "link %s (%s", link->name, link_kind_names[link->kind]);
	for (unsigned i = 0; i < link->address_count; i++)
		add(&line, ", %s", address_text(&link->addresses[i], text));
	if (use == MULTIPATH_USED)
		add(&line, "): %s", use_text(policy_of(plan->policy, link)));
	else
		add(&line, "): not used: %s", multipath_use_text[use]);
	say(line.text, data);
}

/* Who excluded a link should know that packets go over it all the same. */
static void explain_start(const struct native_plan *plan, explain_say say, void *data)
{
	const struct links *links = &plan->links;

	for (unsigned i = 0; i < links->count; i++) {
		const struct link *link = &links->all[i];
		struct line line = {0};

		if (plan->multipath.use[i] != MULTIPATH_POLICY || !multipath_begins_on(links, link))
			continue;
		add(&line,
		    "connections still begin on %s: the default route leads over it, and is "
		    "everyone's; %s",
		    link->name,
		    plan->multipath.used
			    ? "each leaves it as soon as another link carries a subflow"
			    : "they stay there, as no other link can be used");
		say(line.text, data);
	}
}

void explain_plan(const struct native_plan *plan, explain_say say, void *data)
{
	say("stack native: this kernel speaks MPTCP", data);
	for (unsigned i = 0; i < plan->links.count; i++)
		if (plan->links.all[i].kind != LINK_LOOPBACK)
			explain_link(plan, &plan->links.all[i], plan->multipath.use[i], say, data);
	explain_start(plan, say, data);
	if (plan->multipath.used < 2) {
		struct line line = {0};

		add(&line,
		    "%s: no second path for now; sockets are MPTCP all the same, and the peer may "
		    "open further subflows",
		    plan->multipath.used ? "one usable link" : "no link with a default route");
		say(line.text, data);
	}
	if (plan->own_path_manager)
		say("a daemon manages paths here (net.mptcp.pm_type=1): it decides on subflows, "
		    "not our endpoints",
		    data);
}

const char *explain_change(const struct change *change, int result, char *text, size_t size)
{
	char what[256];

	change_text(change, what, sizeof(what));
	if (result < 0)
		snprintf(text, size, "%s: %s", what,
			 result == -ECANCELED ? "left as it has been set"
			 : result == -ENOSPC  ? "not set up: no more changes can be written down"
					      : strerror(-result));
	else
		snprintf(text, size, "%s %s",
			 result == JOURNAL_UNDONE ? "taken back:"
			 : result == 1            ? "there already:"
						  : "set up:",
			 what);
	return text;
}

const char *explain_left(const struct link *link, char *text, size_t size)
{
	snprintf(text, size, "connections leave %s, on which they began", link->name);
	return text;
}

void explain_monitor(const struct links *links, unsigned link, enum monitor_action action,
		     FILE *out)
{
	const char *const words[] = {
		[MONITOR_TAKE_OUT] = "does not answer: taken out of use",
		[MONITOR_PROBE] = "is asked whether it is back",
		[MONITOR_REST] = "is back, and rests: it loses packets, and few bytes move",
		[MONITOR_PUT_IN] = "is put back into use",
		[MONITOR_GO_ON] = "is back: connections go on over it",
	};
	const struct link *known = links_by_index(links, link);

	fprintf(out, "rivulet: link %s %s\n", known ? known->name : "?", words[action]);
}

void explain_carrier(const struct links *links, unsigned link, bool lost, FILE *out)
{
	const struct link *known = links_by_index(links, link);

	fprintf(out, "rivulet: link %s %s\n", known ? known->name : "?",
		lost ? "has no carrier: taken out of use" : "has carrier again: put back into use");
}

void explain_rejoin(const struct links *links, unsigned link, FILE *out)
{
	const struct link *known = links_by_index(links, link);

	fprintf(out, "rivulet: link %s carries no subflow: its endpoints are put in anew\n",
		known ? known->name : "?");
}
