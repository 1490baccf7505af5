/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/summary.h"

#include "assess/profile.h"
#include "assess/results.h"
#include "assess/workload.h"
#include "base/cleanup.h"

#include <math.h>
#include <string.h>

static const char *text(const json_t *record, const char *name)
{
	return json_string_value(json_object_get(record, name));
}

static double figure_of(const json_t *record, const char *name)
{
	return json_number_value(json_object_get(json_object_get(record, "figures"), name));
}

static bool has_figure(const json_t *record, const char *name)
{
	return json_object_get(json_object_get(record, "figures"), name) != NULL;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

const struct group *summary_find(const struct summary *summary, const struct group *like)
{
	for (unsigned i = 0; i < summary->count; i++) {
		const struct group *group = &summary->groups[i];

		if (same(group->scenario, like->scenario) &&
		    same(group->workload, like->workload) && same(group->profile, like->profile) &&
		    same(group->stack, like->stack) && same(group->protocol, like->protocol) &&
		    same(group->link, like->link))
			return group;
	}
	return NULL;
}

static int append(const json_t ***list, unsigned *count, const json_t *record)
{
	const json_t **more = realloc((void *)*list, (*count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*count)++] = record;
	return 0;
}

static int add_to_group(struct summary *summary, const json_t *record)
{
	struct group like = {
		.scenario = text(record, "scenario"),
		.workload = text(record, "workload"),
		.profile = text(record, "profile"),
		.stack = text(record, "stack"),
		.protocol = text(record, "protocol"),
		.link = text(record, "link"),
	};
	const struct group *found = summary_find(summary, &like);
	struct group *groups;

	if (!found) {
		groups = realloc(summary->groups, (summary->count + 1) * sizeof(*groups));
		if (!groups)
			return -ENOMEM;
		summary->groups = groups;
		groups[summary->count] = like;
		found = &groups[summary->count++];
	}
	groups = &summary->groups[found - summary->groups];
	return append(&groups->records, &groups->count, record);
}

/* Its place in the table that has it; what a user has named comes after all of them. */
static unsigned rank_of_workload(const char *name)
{
	unsigned rank = 0;

	while (workloads[rank].name && strcmp(workloads[rank].name, name) != 0)
		rank++;
	return rank;
}

static unsigned rank_of_profile(const char *name)
{
	unsigned rank = 0;

	while (profiles[rank].name[0] && strcmp(profiles[rank].name, name) != 0)
		rank++;
	return rank;
}

/* For readers: calm networks first. Measured they are as the dice fall. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	const json_t *mine = json_object_get(x->records[0], "events"),
		     *other = json_object_get(y->records[0], "events");
	int order = (json_array_size(mine) > 0) - (json_array_size(other) > 0);

	if (!order)
		order = strcmp(x->scenario, y->scenario);
	if (!order)
		order = (int)rank_of_workload(x->workload) - (int)rank_of_workload(y->workload);
	if (!order)
		order = strcmp(x->workload, y->workload);
	if (!order)
		order = (int)rank_of_profile(x->profile) - (int)rank_of_profile(y->profile);
	if (!order)
		order = strcmp(x->profile, y->profile);
	if (!order)
		order = strcmp(x->stack, y->stack);
	if (!order)
		order = strcmp(x->protocol, y->protocol);
	return order ? order : strcmp(x->link ? x->link : "", y->link ? y->link : "");
}

int summary_make(const json_t *records, struct summary *ret)
{
	const json_t *record;
	int code = 0;
	size_t i;

	*ret = (struct summary){0};
	json_array_foreach(records, i, record)
	{
		if (results_check(record) < 0)
			continue;
		if (strcmp(text(record, "workload"), "calibration") == 0)
			code = append(&ret->calibrations, &ret->calibration_count, record);
		else if (results_check(record) == 0)
			code = append(&ret->failed, &ret->failed_count, record);
		else
			code = add_to_group(ret, record);
		if (code < 0) {
			summary_free(ret);
			return code;
		}
	}
	if (ret->count)
		qsort(ret->groups, ret->count, sizeof(*ret->groups), compare_groups);
	return 0;
}

void summary_free(struct summary *summary)
{
	for (unsigned i = 0; i < summary->count; i++)
		free((void *)summary->groups[i].records);
	free(summary->groups);
	free((void *)summary->failed);
	free((void *)summary->calibrations);
	*summary = (struct summary){0};
}

static struct stats stats_of_records(const json_t *const *records, unsigned count,
				     const char *figure)
{
	_cleanup_free_ double *values = calloc(count + 1, sizeof(*values));
	size_t n = 0;

	for (unsigned i = 0; values && i < count; i++)
		if (has_figure(records[i], figure))
			values[n++] = figure_of(records[i], figure);
	return stats_of(values, n);
}

struct stats summary_stats(const struct group *group, const char *figure)
{
	return stats_of_records(group->records, group->count, figure);
}

struct stats summary_noise(const struct summary *summary, const char *figure)
{
	return stats_of_records(summary->calibrations, summary->calibration_count, figure);
}

static bool same_round(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "repetition"), json_object_get(b, "repetition")) &&
	       json_integer_value(json_object_get(a, "seed")) ==
		       json_integer_value(json_object_get(b, "seed"));
}

/* The record of @group in the round of @record, which has @figure; NULL: there is none. */
static const json_t *partner(const struct group *group, const json_t *record, const char *figure)
{
	for (unsigned i = 0; group && i < group->count; i++)
		if (same_round(group->records[i], record) && has_figure(group->records[i], figure))
			return group->records[i];
	return NULL;
}

struct stats summary_ratio(const struct group *above, const struct group *below, const char *figure)
{
	_cleanup_free_ double *a = calloc(above->count + 1, sizeof(*a));
	_cleanup_free_ double *b = calloc(above->count + 1, sizeof(*b));
	size_t n = 0;

	for (unsigned i = 0; a && b && i < above->count; i++) {
		const json_t *other = partner(below, above->records[i], figure);

		if (!other || !has_figure(above->records[i], figure))
			continue;
		a[n] = figure_of(above->records[i], figure);
		b[n++] = figure_of(other, figure);
	}
	return stats_paired(a, b, a && b ? n : 0);
}

/* The sum in the repetition of @record; 0: not all links were measured. */
static double sum_of_links(const struct summary *summary, const struct group *of,
			   const json_t *record)
{
	double sum = 0;
	unsigned links = 0;

	for (unsigned i = 0; i < summary->count; i++) {
		const struct group *group = &summary->groups[i];
		const json_t *other;

		if (!group->link || !same(group->scenario, of->scenario) ||
		    !same(group->workload, of->workload) || !same(group->profile, of->profile))
			continue;
		other = partner(group, record, "goodput");
		if (!other)
			return 0;
		sum += figure_of(other, "goodput");
		links++;
	}
	return links > 1 ? sum : 0;
}

struct stats summary_share(const struct summary *summary, const struct group *group)
{
	_cleanup_free_ double *own = calloc(group->count + 1, sizeof(*own));
	_cleanup_free_ double *sums = calloc(group->count + 1, sizeof(*sums));

	for (unsigned i = 0; own && sums && i < group->count; i++) {
		own[i] = figure_of(group->records[i], "goodput");
		sums[i] = sum_of_links(summary, group, group->records[i]);
	}
	return stats_paired(own, sums, own && sums ? group->count : 0);
}

enum verdict summary_verdict(const struct figure *figure, const struct stats *ratio)
{
	if (ratio->n < STATS_FEW || (ratio->low <= 1 && ratio->high >= 1))
		return VERDICT_SAME;
	return (ratio->median > 1) != figure->less ? VERDICT_BETTER : VERDICT_WORSE;
}

static json_t *describe_stats(const struct stats *stats)
{
	return json_pack("{si sf sf sf sf sf sf}", "n", (int)stats->n, "median", stats->median,
			 "low", stats->low, "high", stats->high, "least", stats->least, "most",
			 stats->most, "spread", stats->spread);
}

/* What the profile has: its limit, or else what the machine has. */
static json_t *size_of(const struct summary *summary, const struct group *group, const char *limit,
		       const char *machine)
{
	const json_t *size = json_object_get(group->records[0], limit);

	if (!json_is_number(size) && summary->calibration_count)
		size = json_object_get(json_object_get(summary->calibrations[0], "device"),
				       machine);
	return json_is_number(size) ? json_real(json_number_value(size)) : json_null();
}

static json_t *describe_group(const struct summary *summary, const struct group *group)
{
	struct stats share = summary_share(summary, group);
	json_t *all = json_object(), *described;

	for (const struct figure *figure = figures; figure->name; figure++) {
		struct stats stats = summary_stats(group, figure->name);

		if (stats.n)
			json_object_set_new(all, figure->name, describe_stats(&stats));
	}
	if (share.n && !group->link)
		json_object_set_new(all, "share", describe_stats(&share));
	described = json_pack(
		"{so so ss ss ss ss ss ss* so}", "cpus", size_of(summary, group, "cpus", "cpus"),
		"memory", size_of(summary, group, "memory_limit", "memory_bytes"), "scenario",
		group->scenario, "workload", group->workload, "profile", group->profile, "stack",
		group->stack, "protocol", group->protocol, "link", group->link, "figures", all);
	return described;
}

json_t *summary_describe(const struct summary *summary)
{
	struct stats noise = summary_noise(summary, "packet");
	json_t *groups = json_array();

	for (unsigned i = 0; i < summary->count; i++)
		json_array_append_new(groups, describe_group(summary, &summary->groups[i]));
	return json_pack("{so so* si}", "groups", groups, "packet_ns",
			 noise.n ? describe_stats(&noise) : NULL, "failed",
			 (int)summary->failed_count);
}
