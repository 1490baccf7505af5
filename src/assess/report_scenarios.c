/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of the report that show figures, one for each scenario, workload and profile. */
#include "assess/report_parts.h"

#include "assess/plot.h"
#include "assess/profile.h"
#include "assess/workload.h"
#include "base/cleanup.h"

#include <string.h>

/* Three digits that count, and no powers of ten. */
static const char *number(double value, char text[static 32])
{
	snprintf(text, 32, value >= 1000 && value < 1e9 ? "%.0f" : "%.3g", value);
	return text;
}

static void print_stats(const struct page *page, const struct stats *stats, double scale)
{
	char median[32], low[32], high[32];

	fprintf(page->out, "<td>%s<small>%s&ndash;%s</small></td>",
		number(stats->median * scale, median), number(stats->low * scale, low),
		number(stats->high * scale, high));
}

/* Was it measured of any? */
static bool is_there(const struct group *const *groups, unsigned count, const char *figure)
{
	for (unsigned i = 0; i < count; i++)
		if (summary_stats(groups[i], figure).most != 0)
			return true;
	return false;
}

static const json_t *links_of(const json_t *record)
{
	return json_object_get(record, "links");
}

/* Was there more than one way? */
static bool has_links(const struct group *const *groups, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (json_object_size(links_of(groups[i]->records[0])) > 1)
			return true;
	return false;
}

/* The part of a record's bytes that link @name carried. */
static double share_of(const json_t *record, const char *name)
{
	double sum = 0;
	const char *other;
	json_t *bytes;

	json_object_foreach((json_t *)links_of(record), other, bytes) sum +=
		json_number_value(bytes);
	return sum > 0 ? json_number_value(json_object_get(links_of(record), name)) / sum : 0;
}

static void print_links(const struct page *page, const struct group *group)
{
	_cleanup_free_ double *shares = calloc(group->count, sizeof(*shares));
	const char *name;
	json_t *bytes;

	fputs("<td>", page->out);
	json_object_foreach((json_t *)links_of(group->records[0]), name, bytes)
	{
		for (unsigned i = 0; shares && i < group->count; i++)
			shares[i] = share_of(group->records[i], name);
		if (!shares || !(stats_median(shares, group->count) >= 0.005))
			continue;
		page_text(page, name);
		fprintf(page->out, " %.0f&nbsp;%%<br>", stats_median(shares, group->count) * 100);
	}
	fputs("</td>", page->out);
}

/* What the run saw of the subflows over each link of the device. */
static const json_t *shares_of(const struct group *group, unsigned record)
{
	return json_object_get(group->records[record], "shares");
}

static bool has_shares(const struct group *const *groups, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (json_array_size(shares_of(groups[i], 0)) > 0)
			return true;
	return false;
}

/* Over link @name, of one record; 0: nothing. */
static double share_value(const json_t *shares, const char *name, const char *what)
{
	const json_t *share;
	size_t i;

	json_array_foreach(shares, i, share)
	{
		const char *link = json_string_value(json_object_get(share, "name"));

		if (link && strcmp(link, name) == 0)
			return json_number_value(json_object_get(share, what));
	}
	return 0;
}

static double median_share(const struct group *group, const char *name, const char *what)
{
	_cleanup_free_ double *values = calloc(group->count, sizeof(*values));

	for (unsigned i = 0; values && i < group->count; i++)
		values[i] = share_value(shares_of(group, i), name, what);
	return values ? stats_median(values, group->count) : 0;
}

static void print_subflows(const struct page *page, const struct group *group)
{
	const json_t *share;
	size_t i;

	fputs("<td>", page->out);
	json_array_foreach(shares_of(group, 0), i, share)
	{
		const char *name = json_string_value(json_object_get(share, "name"));
		double subflows = name ? median_share(group, name, "subflows") : 0;
		char bytes[32], again[32];

		if (!name)
			continue;
		page_text(page, name);
		fprintf(page->out, " %s&nbsp;MB, %s again",
			number((median_share(group, name, "sent") +
				median_share(group, name, "received")) *
				       1e-6,
			       bytes),
			number(median_share(group, name, "retransmitted"), again));
		if (subflows > 1)
			fprintf(page->out, " (of %.0f)", subflows);
		fputs("<br>", page->out);
	}
	fputs("</td>", page->out);
}

static void print_head(const struct page *page, const struct group *const *groups, unsigned count,
		       bool shares)
{
	fputs("<thead><tr><th>stack, protocol<th>n", page->out);
	for (const struct figure *figure = figures; figure->name; figure++) {
		if (!is_there(groups, count, figure->name))
			continue;
		fprintf(page->out, "<th>%s", figure->words);
		if (*figure->unit)
			fprintf(page->out, "<small> %s</small>", figure->unit);
		if (shares && strcmp(figure->name, "goodput") == 0)
			fputs("<th>of the links' TCPs", page->out);
	}
	if (has_links(groups, count))
		fputs("<th>bytes by link", page->out);
	if (has_shares(groups, count))
		fputs("<th>by subflow<small> bytes, segments sent again, (subflows)</small>",
		      page->out);
	fputs("</tr></thead>", page->out);
}

static void print_share(const struct page *page, const struct group *group)
{
	struct stats share = summary_share(page->summary, group);

	if (share.n && !group->link)
		print_stats(page, &share, 1);
	else
		fputs("<td></td>", page->out);
}

static void print_row(const struct page *page, const struct group *const *groups, unsigned count,
		      const struct group *group, bool shares)
{
	fputs("<tr><td>", page->out);
	page_text(page, group->stack);
	fputc(' ', page->out);
	page_text(page, group->protocol);
	if (group->link) {
		fputs("<small>over ", page->out);
		page_text(page, group->link);
		fputs(" alone</small>", page->out);
	}
	fprintf(page->out, "</td><td>%u</td>", group->count);
	for (const struct figure *figure = figures; figure->name; figure++) {
		struct stats stats = summary_stats(group, figure->name);

		if (!is_there(groups, count, figure->name))
			continue;
		if (stats.n)
			print_stats(page, &stats, figure->scale);
		else
			fputs("<td></td>", page->out);
		if (shares && strcmp(figure->name, "goodput") == 0)
			print_share(page, group);
	}
	if (has_links(groups, count))
		print_links(page, group);
	if (has_shares(groups, count))
		print_subflows(page, group);
	fputs("</tr>\n", page->out);
}

static void print_table(const struct page *page, const struct group *const *groups, unsigned count)
{
	bool shares = false;

	for (unsigned i = 0; i < count; i++)
		shares = shares || groups[i]->link;
	fputs("<div class=\"wide\"><table>", page->out);
	print_head(page, groups, count, shares);
	fputs("<tbody>\n", page->out);
	for (unsigned i = 0; i < count; i++)
		print_row(page, groups, count, groups[i], shares);
	fputs("</tbody></table></div>\n", page->out);
}

static bool has_events(const struct group *group)
{
	return json_array_size(json_object_get(group->records[0], "events")) > 0;
}

static void print_plots(const struct page *page, const struct group *group,
			const struct workload *workload)
{
	static const char *const costs[] = {"cpu-per-gb", "cpu", "memory", "first-byte"};
	const struct group *groups[PAGE_GROUPS];
	unsigned own = page_groups(page, group, false, groups), all;

	if (!page->plots || !workload)
		return;
	fputs("<div class=\"plots\">\n", page->out);
	if (workload->talk == TALK_STREAM && has_events(group))
		plot_rates(groups, own, page->out);
	if (workload->talk != TALK_STREAM || workload_is_sized(workload))
		plot_delays(groups, own, page->out);
	all = page_groups(page, group, true, groups);
	plot_bars(groups, all, figure_find(workload->figure), page->out);
	own = page_groups(page, group, false, groups);
	for (size_t i = 0; i < ARRAY_SIZE(costs) && workload->talk != TALK_NONE; i++)
		if (i != (workload->talk == TALK_STREAM)) /* what it takes, in the words that fit */
			plot_bars(groups, own, figure_find(costs[i]), page->out);
	fputs("</div>\n", page->out);
}

/* One that is no share of this machine. */
static bool is_emulated(const char *name)
{
	for (const struct profile *profile = profiles; profile->name[0]; profile++)
		if (strcmp(profile->name, name) == 0)
			return profile->emulated;
	return false;
}

static void print_section(const struct page *page, const struct group *group)
{
	const struct workload *workload = workload_find(group->workload);
	const struct group *groups[PAGE_GROUPS];
	unsigned count = page_groups(page, group, true, groups);

	fputs("<h3>", page->out);
	page_text(page, group->workload);
	fputs(", profile ", page->out);
	page_text(page, group->profile);
	fputs("</h3>\n", page->out);
	if (workload)
		fprintf(page->out, "<p class=\"dim\">%s%s</p>\n", workload->summary,
			is_emulated(group->profile) ? "; on a whole computer in an emulator, whose "
						      "processor's time it is"
						    : "");
	print_plots(page, group, workload);
	print_table(page, groups, count);
}

void page_scenarios(const struct page *page)
{
	const struct summary *summary = page->summary;

	for (unsigned i = 0; i < summary->count; i++) {
		const char *scenario = summary->groups[i].scenario;
		unsigned at = 0;
		bool seen = false;

		for (unsigned j = 0; j < i && !seen; j++)
			seen = strcmp(summary->groups[j].scenario, scenario) == 0;
		if (seen)
			continue;
		fputs("<h2>", page->out);
		page_text(page, scenario);
		fputs("</h2>\n", page->out);
		for (const struct group *each; (each = page_next(page, &at));)
			if (strcmp(each->scenario, scenario) == 0)
				print_section(page, each);
	}
}
