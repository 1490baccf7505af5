/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two questions of the report: MPTCP against TCP, and user space against native. */
#include "assess/report_parts.h"

#include "assess/workload.h"
#include "base/cleanup.h"
#include "stack/stack.h"

#include <math.h>
#include <string.h>

#define RATIOS_MAX 1024

/* Whose TCP programs have anyway. */
static const char *native(void)
{
	for (unsigned i = 0; stacks[i]; i++)
		if (stacks[i]->own_tcp)
			return stacks[i]->name;
	return "";
}

/* What a group is compared with; false: nothing. */
typedef bool (*partner_of)(const struct group *group, struct group *ret);

/* MPTCP with the TCP of the same stack. */
static bool tcp_of(const struct group *group, struct group *ret)
{
	*ret = *group;
	ret->protocol = "tcp";
	return strcmp(group->protocol, "mptcp") == 0;
}

/* A stack with the native one, on the same protocol. */
static bool native_of(const struct group *group, struct group *ret)
{
	*ret = *group;
	ret->stack = native();
	return strcmp(group->stack, ret->stack) != 0;
}

/* The figure that counts, and (where it was measured in both) what the processor took for it. */
static const char *figure_name(const struct group *group)
{
	const struct workload *workload = workload_find(group->workload);

	return workload ? workload->figure : "goodput";
}

static void print_ratio(const struct page *page, const struct figure *figure,
			const struct stats *ratio)
{
	static const char *const classes[] = {"", " class=\"good\"", " class=\"bad\""};
	static const char *const words[] = {"no difference shown", "better", "worse"};
	enum verdict verdict = summary_verdict(figure, ratio);

	fprintf(page->out,
		"<td%s>%.2f &times; <small>%.2f&ndash;%.2f, n&nbsp;=&nbsp;%zu: %s</small></td>",
		classes[verdict], ratio->median, ratio->low, ratio->high, ratio->n,
		ratio->n < STATS_FEW ? "too few to tell" : words[verdict]);
}

static void print_names(const struct page *page, const struct group *group)
{
	fputs("<td>", page->out);
	page_text(page, group->stack);
	fputc(' ', page->out);
	page_text(page, group->protocol);
	fputs("<small>", page->out);
	page_text(page, group->scenario);
	fputs(", ", page->out);
	page_text(page, group->workload);
	fputs(", ", page->out);
	page_text(page, group->profile);
	fputs("</small></td>", page->out);
}

struct tally {
	double gains[RATIOS_MAX]; /* above 1 is better */
	unsigned count, better, worse, same;
};

static void compare(const struct page *page, const struct group *group, const struct group *other,
		    bool quiet, struct tally *tally)
{
	const struct figure *figure = figure_find(figure_name(group));
	const struct figure *cost = figure_find("cpu-per-gb");
	struct stats ratio = summary_ratio(group, other, figure->name);
	struct stats cpu = summary_ratio(group, other, cost->name);
	enum verdict verdict = summary_verdict(figure, &ratio);

	if (!ratio.n)
		return;
	if (tally->count < RATIOS_MAX)
		tally->gains[tally->count++] = figure->less ? 1 / ratio.median : ratio.median;
	tally->better += verdict == VERDICT_BETTER;
	tally->worse += verdict == VERDICT_WORSE;
	tally->same += verdict == VERDICT_SAME;
	if (quiet)
		return;
	fputs("<tr>", page->out);
	print_names(page, group);
	print_ratio(page, figure, &ratio);
	if (cpu.n)
		print_ratio(page, cost, &cpu);
	else
		fputs("<td></td>", page->out);
	fprintf(page->out, "<td>%s</td></tr>\n", figure->words);
}

static void compare_all(const struct page *page, partner_of partner, bool quiet,
			struct tally *tally)
{
	unsigned at = 0;

	for (const struct group *each; (each = page_next(page, &at));) {
		const struct group *groups[PAGE_GROUPS];
		unsigned count = page_groups(page, each, false, groups);

		for (unsigned i = 0; i < count; i++) {
			struct group like;
			const struct group *other = partner(groups[i], &like)
							    ? summary_find(page->summary, &like)
							    : NULL;

			if (other)
				compare(page, groups[i], other, quiet, tally);
		}
	}
}

static void answer(const struct page *page, const char *question, const char *reading,
		   partner_of partner)
{
	struct tally tally = {0}, again = {0};
	struct stats gain;

	compare_all(page, partner, true, &tally);
	gain = stats_of(tally.gains, tally.count);
	fprintf(page->out, "<div class=\"answer\"><b>%s</b><br>\n", question);
	if (!tally.count) {
		fputs("Nothing was measured that would tell.</div>\n", page->out);
		return;
	}
	fprintf(page->out,
		"In the middle <b>%.2f &times;</b> as good (from %.2f to %.2f) over %u "
		"comparisons: "
		"%u better, %u worse, %u without a difference that the measurements show.</div>\n",
		gain.median, gain.least, gain.most, tally.count, tally.better, tally.worse,
		tally.same);
	fprintf(page->out,
		"<div class=\"wide\"><table><thead><tr><th>stack<th>%s"
		"<th>processor time per GB<th>what counts</tr></thead><tbody>\n",
		reading);
	compare_all(page, partner, false, &again);
	fputs("</tbody></table></div>\n", page->out);
}

void page_answers(const struct page *page)
{
	char question[128];

	fputs("<h2>Summary</h2>\n<p class=\"dim\">Ratios of what was measured in the same round: "
	      "the median, and the interval that holds it with 95&nbsp;%. \"As good\" turns "
	      "delays round, so that above 1 is always better.</p>\n",
	      page->out);
	answer(page, "MPTCP against TCP", "MPTCP / TCP", tcp_of);
	snprintf(question, sizeof(question), "User space against %s", native());
	answer(page, question, "stack / native", native_of);
}
