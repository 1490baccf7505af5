/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two questions of the report: MPTCP against TCP, and user space against native. */
#include "assess/report_parts.h"

#include "assess/workload.h"
#include "base/cleanup.h"
#include "choose/regret.h"
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
	/* A hundredth is not nothing. */
	const char *format = ratio->high < 0.1 ? "<td%s>%.2g &times; <small>%.2g&ndash;%.2g, "
						 "n&nbsp;=&nbsp;%zu: %s</small></td>"
					       : "<td%s>%.2f &times; <small>%.2f&ndash;%.2f, "
						 "n&nbsp;=&nbsp;%zu: %s</small></td>";

	fprintf(page->out, format, classes[verdict], ratio->median, ratio->low, ratio->high,
		ratio->n, ratio->n < STATS_FEW ? "too few to tell" : words[verdict]);
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
	unsigned count, few, verdicts[3];
};

static void compare(const struct page *page, const struct group *group, const struct group *other,
		    bool quiet, struct tally *tally)
{
	const struct figure *figure = figure_find(figure_name(group));
	const struct figure *cost = figure_find("cpu-per-gb");
	struct stats ratio = summary_ratio(group, other, figure->name);
	struct stats cpu = summary_ratio(group, other, cost->name);

	if (!ratio.n)
		return;
	if (tally->count < RATIOS_MAX)
		tally->gains[tally->count++] = figure->less ? 1 / ratio.median : ratio.median;
	if (ratio.n < STATS_FEW)
		tally->few++;
	else
		tally->verdicts[summary_verdict(figure, &ratio)]++;
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

/* All pairs of a workload. */
static void compare_all(const struct page *page, const struct workload *workload,
			partner_of partner, bool quiet, struct tally *tally)
{
	unsigned at = 0;

	for (const struct group *each; (each = page_next(page, &at));) {
		const struct group *groups[PAGE_GROUPS];
		unsigned count = strcmp(each->workload, workload->name) == 0
					 ? page_groups(page, each, false, groups)
					 : 0;

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

/* One line for a workload; false: there was nothing to compare. */
static bool answer_for(const struct page *page, const struct workload *workload, partner_of partner)
{
	struct tally tally = {0};
	struct stats gain;

	compare_all(page, workload, partner, true, &tally);
	gain = stats_of(tally.gains, tally.count);
	if (!gain.n)
		return false;
	fprintf(page->out,
		"<li>%s (%s): <b>%.2f&nbsp;&times;</b> as good <span class=\"dim\">from %.2f to "
		"%.2f over %u comparisons: %u better, %u worse, %u without a difference that "
		"shows",
		workload->name, figure_find(workload->figure)->words, gain.median, gain.least,
		gain.most, tally.count, tally.verdicts[VERDICT_BETTER],
		tally.verdicts[VERDICT_WORSE], tally.verdicts[VERDICT_SAME]);
	if (tally.few)
		fprintf(page->out, ", %u measured too seldom to tell", tally.few);
	fputs("</span></li>\n", page->out);
	return true;
}

static void answer(const struct page *page, const char *question, const char *reading,
		   partner_of partner)
{
	bool any = false;

	fprintf(page->out, "<div class=\"answer\"><b>%s</b><ul>\n", question);
	for (const struct workload *workload = workloads; workload->name; workload++)
		any |= answer_for(page, workload, partner);
	fprintf(page->out, "</ul>%s</div>\n", any ? "" : "Nothing was measured that would tell.");
	if (!any)
		return;
	fprintf(page->out,
		"<details><summary>Each comparison</summary><div class=\"wide\"><table><thead><tr>"
		"<th>stack<th>%s<th>processor time per GB<th>what counts</tr></thead><tbody>\n",
		reading);
	for (const struct workload *workload = workloads; workload->name; workload++) {
		struct tally tally = {0};

		compare_all(page, workload, partner, false, &tally);
	}
	fputs("</tbody></table></div></details>\n", page->out);
}

/* How well `rivulet choose` would have done with these measurements, without those that it is judged by. */
static void print_regret(const struct page *page)
{
	json_t *summary = summary_describe(page->summary);
	struct measurements measurements = {0};
	struct regret regret = {0};

	if (summary && measurements_from(summary, &measurements, NULL) == 0)
		regret_of(&measurements, native(), &regret);
	measurements_free(&measurements);
	json_decref(summary);
	if (regret.combinations < 2)
		return;
	fprintf(page->out,
		"<div class=\"answer\"><b>Could it be foreseen?</b><p>Of %u combinations of "
		"profile, application and scenario, each judged without its own measurements (%u "
		"of them without native MPTCP), <code>rivulet choose</code> loses "
		"<b>%.1f&nbsp;%%</b> of what the best stack gives, the best fixed rule (",
		regret.combinations, regret.forbidden, regret.mean * 100);
	page_text(page, regret.rule);
	fprintf(page->out,
		" first) <b>%.1f&nbsp;%%</b>. Best and second are told apart in %u, of which %u "
		"were chosen within 5&nbsp;%%; the worst choice gave %.0f&nbsp;%% of the best",
		regret.fixed_mean * 100, regret.separate, regret.close, regret.worst * 100);
	if (*regret.worst_at) {
		fputs(" (", page->out);
		page_text(page, regret.worst_at);
		fputc(')', page->out);
	}
	fputs(".</p></div>\n", page->out);
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
	print_regret(page);
}
