/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/regret.h"

#include "base/cleanup.h"
#include "choose/model.h"

#include <math.h>
#include <string.h>

#define WAYS_MAX  12
#define CASES_MAX 1024
#define FEW       3   /* measured less often, an interval says nothing... */
#define ANYTHING  1e6 /* ...and the figure may be so much more or less */
#define CLOSE     0.95

struct way {
	const char *stack, *protocol;
};

/* A combination, and what each way gave there and was thought to give; 0: not known. */
struct judged {
	double truth[WAYS_MAX], low[WAYS_MAX], high[WAYS_MAX], thought[WAYS_MAX];
	bool allowed[WAYS_MAX];
	bool forbids;
};

struct judging {
	const struct measurements *from;
	struct way ways[WAYS_MAX];
	unsigned way_count;
	struct judged *cases; /* owned */
	unsigned count;
};

static void find_ways(struct judging *judging)
{
	for (unsigned i = 0; i < judging->from->count; i++) {
		const struct measured *measured = &judging->from->all[i];
		bool seen = false;

		for (unsigned j = 0; j < judging->way_count; j++)
			seen |= strcmp(judging->ways[j].stack, measured->stack) == 0 &&
				strcmp(judging->ways[j].protocol, measured->protocol) == 0;
		if (!seen && judging->way_count < WAYS_MAX)
			judging->ways[judging->way_count++] =
				(struct way){measured->stack, measured->protocol};
	}
}

/* What was measured, as measurements whose medians are an edge of the intervals: then scores are, too. */
static double edge(const struct measurements *from, const struct model_place *place,
		   const struct way *way, const struct application *application, bool best)
{
	struct measurements edges = *from;
	double score;

	edges.all = calloc(from->count + 1, sizeof(*edges.all));
	if (!edges.all)
		return 0;
	memcpy(edges.all, from->all, from->count * sizeof(*edges.all));
	for (unsigned i = 0; i < edges.count; i++) {
		struct measured *measured = &edges.all[i];
		bool less = false;

		for (unsigned f = 0; f < APPLICATION_FIGURES && application->figures[f].name; f++)
			if (strcmp(application->figures[f].name, measured->figure) == 0)
				less = application->figures[f].less;
		measured->median = less == best ? measured->low : measured->high;
		if (measured->n > 0 && measured->n < FEW)
			measured->median *= less == best ? 1 / ANYTHING : ANYTHING;
	}
	score = model_score(&edges, place, way->stack, way->protocol, application);
	free(edges.all);
	return score;
}

/* Was this application's workload measured there at all, with this way? */
static bool is_measured(const struct measurements *from, const struct model_place *place,
			const struct way *way, const struct application *application)
{
	for (unsigned i = 0; i < from->count; i++) {
		const struct measured *measured = &from->all[i];

		if (strcmp(measured->scenario, place->scenario) == 0 &&
		    strcmp(measured->profile, place->profile) == 0 &&
		    strcmp(measured->stack, way->stack) == 0 &&
		    strcmp(measured->protocol, way->protocol) == 0)
			for (unsigned w = 0; w < APPLICATION_WORKLOADS && application->workloads[w];
			     w++)
				if (strcmp(measured->workload, application->workloads[w]) == 0)
					return true;
	}
	return false;
}

static unsigned judge(struct judging *judging, struct model_place place,
		      const struct application *application, struct judged *ret)
{
	unsigned known = 0;

	*ret = (struct judged){.forbids = false};
	for (unsigned i = 0; i < judging->way_count; i++) {
		const struct way *way = &judging->ways[i];

		if (!is_measured(judging->from, &place, way, application))
			continue;
		place.held_out = false;
		ret->truth[i] =
			model_score(judging->from, &place, way->stack, way->protocol, application);
		ret->low[i] = edge(judging->from, &place, way, application, false);
		ret->high[i] = edge(judging->from, &place, way, application, true);
		place.held_out = true;
		ret->thought[i] =
			model_score(judging->from, &place, way->stack, way->protocol, application);
		ret->allowed[i] = ret->truth[i] > 0;
		known += ret->allowed[i] && ret->thought[i] > 0;
	}
	return known;
}

static void add_case(struct judging *judging, const struct judged *judged)
{
	unsigned choices = 0;

	for (unsigned i = 0; i < judging->way_count; i++)
		choices += judged->allowed[i] && judged->thought[i] > 0;
	if (choices > 1 && judging->count < CASES_MAX)
		judging->cases[judging->count++] = *judged;
}

static void add_cases(struct judging *judging, const struct model_place *place, const char *own)
{
	for (const struct application *application = applications; application->name;
	     application++) {
		struct judged judged;

		if (judge(judging, *place, application, &judged) < 2)
			continue;
		add_case(judging, &judged);
		for (unsigned i = 0; i < judging->way_count; i++)
			if (judged.allowed[i] && strcmp(judging->ways[i].stack, own) == 0 &&
			    strcmp(judging->ways[i].protocol, "mptcp") == 0) {
				judged.allowed[i] = false;
				judged.forbids = true;
			}
		if (judged.forbids)
			add_case(judging, &judged);
	}
}

/* The allowed way with the most of @values; -1: none has any. */
static int best_of(const struct judging *judging, const struct judged *judged, const double *values)
{
	int best = -1;

	for (unsigned i = 0; i < judging->way_count; i++)
		if (judged->allowed[i] && values[i] > 0 && (best < 0 || values[i] > values[best]))
			best = (int)i;
	return best;
}

/* What is lost in all cases in which @next is the first that is allowed, after the set @tried. */
static double cost_of(const struct judging *judging, unsigned tried, unsigned next)
{
	double cost = 0;

	for (unsigned c = 0; c < judging->count; c++) {
		const struct judged *judged = &judging->cases[c];
		bool decided = !judged->allowed[next];

		for (unsigned i = 0; i < judging->way_count && !decided; i++)
			decided = tried & 1u << i && judged->allowed[i];
		if (!decided)
			cost += 1 - judged->truth[next] /
					    judged->truth[best_of(judging, judged, judged->truth)];
	}
	return cost;
}

/* The order of ways of which always to take the first that is allowed loses least, of all orders: @ret grows from its end to
 * its begin. By sets: the best that can follow a set that was tried does not depend on its order. */
static void rank(const struct judging *judging, double ret[static WAYS_MAX])
{
	unsigned all = (1u << judging->way_count) - 1, tried = 0;
	double *least = calloc(all + 1, sizeof(*least));
	unsigned char *next = calloc(all + 1, 1);

	for (unsigned set = all; least && next && set-- > 0;) {
		least[set] = INFINITY;
		for (unsigned i = 0; i < judging->way_count; i++) {
			double cost;

			if (set & 1u << i)
				continue;
			cost = cost_of(judging, set, i) + least[set | 1u << i];
			if (cost < least[set]) {
				least[set] = cost;
				next[set] = (unsigned char)i;
			}
		}
	}
	for (unsigned i = 0; least && next && i < judging->way_count; i++) {
		ret[next[tried]] = judging->way_count - i;
		tried |= 1u << next[tried];
	}
	free(least);
	free(next);
}

/* Is the best told from all others? */
static bool is_separate(const struct judging *judging, const struct judged *judged, int best)
{
	for (unsigned i = 0; i < judging->way_count; i++)
		if ((int)i != best && judged->allowed[i] && judged->high[i] >= judged->low[best])
			return false;
	return true;
}

static void sum_up(const struct judging *judging, struct regret *ret)
{
	double ranks[WAYS_MAX] = {0};
	int first = -1;

	rank(judging, ranks);
	*ret = (struct regret){.combinations = judging->count, .worst = 1};
	for (unsigned c = 0; c < judging->count; c++) {
		const struct judged *judged = &judging->cases[c];
		int best = best_of(judging, judged, judged->truth);
		int chosen = best_of(judging, judged, judged->thought);
		int fixed = best_of(judging, judged, ranks);
		double gave = judged->truth[chosen] / judged->truth[best];

		ret->forbidden += judged->forbids;
		ret->missed += fixed != best;
		if (is_separate(judging, judged, best)) {
			ret->separate++;
			ret->close += gave >= CLOSE;
		}
		if (gave < ret->worst)
			ret->worst = gave;
		ret->mean += (1 - gave) / judging->count;
		ret->fixed_mean +=
			(1 - judged->truth[fixed] / judged->truth[best]) / judging->count;
	}
	for (unsigned i = 0; i < judging->way_count; i++)
		if (first < 0 || ranks[i] > ranks[first])
			first = (int)i;
	if (first >= 0)
		snprintf(ret->rule, sizeof(ret->rule), "%s %s", judging->ways[first].stack,
			 judging->ways[first].protocol);
}

void regret_of(const struct measurements *measurements, const char *own, struct regret *ret)
{
	struct judging judging = {.from = measurements,
				  .cases = calloc(CASES_MAX, sizeof(*judging.cases))};

	*ret = (struct regret){0};
	if (!judging.cases)
		return;
	find_ways(&judging);
	for (unsigned i = 0; i < measurements->count; i++) {
		const struct measured *at = &measurements->all[i];
		struct model_place place = {.scenario = at->scenario, .profile = at->profile};
		bool seen = false;

		for (unsigned j = 0; j < i && !seen; j++)
			seen = strcmp(measurements->all[j].scenario, at->scenario) == 0 &&
			       strcmp(measurements->all[j].profile, at->profile) == 0;
		if (!seen)
			add_cases(&judging, &place, own);
	}
	sum_up(&judging, ret);
	free(judging.cases);
}

json_t *regret_describe(const struct regret *regret)
{
	return json_pack("{si si si si si sf sf sf ss}", "combinations", (int)regret->combinations,
			 "forbidden", (int)regret->forbidden, "missed", (int)regret->missed,
			 "separate", (int)regret->separate, "close", (int)regret->close, "worst",
			 regret->worst, "mean", regret->mean, "fixed_mean", regret->fixed_mean,
			 "rule", regret->rule);
}
