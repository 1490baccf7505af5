/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/regret.h"

#include "base/cleanup.h"
#include "choose/model.h"

#include <math.h>
#include <string.h>

#define CASES_MAX 2048
#define FEW       3 /* measured less often, an interval says nothing */
#define CLOSE     0.95

/* A combination, and what each way gave there, and was thought to give and to cost; 0: not known. */
struct judged {
	double truth[WAYS_MAX], low[WAYS_MAX], high[WAYS_MAX], thought[WAYS_MAX], cost[WAYS_MAX];
	bool allowed[WAYS_MAX];
	bool forbids;
	const struct application *application;
	unsigned scenario, profile;
};

struct judging {
	const struct measurements *from;
	struct judged *cases; /* owned */
	unsigned count;
};

/* How much more than the median's a score can be that was measured with one workload (in logarithms, @best), or how much less;
 * NAN: it was not measured. */
static double margin(const struct measurements *from, struct measured_at at,
		     const struct application *application, bool best)
{
	double sum = 0;
	unsigned count = 0;

	for (; count < APPLICATION_FIGURES && application->figures[count].name; count++) {
		int figure = names_find(&from->figures, application->figures[count].name);
		bool high = application->figures[count].less != best;
		const struct measured *measured;
		double edge;

		at.figure = (uint8_t)figure;
		measured = figure < 0 ? NULL : measurements_find(from, at);
		if (!measured)
			return NAN;
		edge = log((high ? measured->high : measured->low) / measured->median);
		if (measured->n > 0 && measured->n < FEW)
			edge = high ? INFINITY : -INFINITY;
		sum += high == best ? edge : -edge;
	}
	return sum / count;
}

/* The same over an application's workloads: the factor; NAN: none was measured there. */
static double edge(const struct measurements *from, struct measured_at at,
		   const struct application *application, bool best)
{
	unsigned count = 0;
	double sum = 0;

	for (unsigned i = 0; i < APPLICATION_WORKLOADS && application->workloads[i]; i++) {
		int workload = names_find(&from->workloads, application->workloads[i]);
		double by;

		at.workload = (uint8_t)workload;
		by = workload < 0 ? NAN : margin(from, at, application, best);
		if (!isnan(by)) {
			sum += by;
			count++;
		}
	}
	return count ? exp(sum / count) : NAN;
}

static void judge(const struct judging *judging, struct model_place place,
		  const struct application *application, struct judged *ret)
{
	*ret = (struct judged){.application = application,
			       .scenario = (unsigned)place.scenario,
			       .profile = (unsigned)place.profile};
	place.as_measured = true;
	model_scores(judging->from, &place, application, ret->truth);
	place.as_measured = false;
	place.held_out = true;
	model_scores(judging->from, &place, application, ret->thought);
	model_costs(judging->from, &place, application, ret->cost);
	for (unsigned i = 0; i < judging->from->way_count; i++) {
		struct measured_at at = {.scenario = (uint8_t)place.scenario,
					 .profile = (uint8_t)place.profile,
					 .way = (uint8_t)i};

		ret->low[i] = ret->truth[i] * edge(judging->from, at, application, false);
		ret->high[i] = ret->truth[i] * edge(judging->from, at, application, true);
		/* NAN where it was not measured there at all: then nobody knows the truth. */
		ret->allowed[i] = ret->truth[i] > 0 && !isnan(ret->low[i]);
	}
}

static void add_case(struct judging *judging, const struct judged *judged)
{
	unsigned choices = 0;

	for (unsigned i = 0; i < judging->from->way_count; i++)
		choices += judged->allowed[i] && judged->thought[i] > 0;
	if (choices > 1 && judging->count < CASES_MAX)
		judging->cases[judging->count++] = *judged;
}

static void add_cases(struct judging *judging, const struct model_place *place, const char *own)
{
	for (const struct application *application = applications; application->name;
	     application++) {
		int forbidden = measurements_way(judging->from, own, "mptcp");
		struct judged judged;

		judge(judging, *place, application, &judged);
		add_case(judging, &judged);
		if (forbidden >= 0 && judged.allowed[forbidden]) {
			judged.allowed[forbidden] = false;
			judged.forbids = true;
			add_case(judging, &judged);
		}
	}
}

/* The allowed way with the most of @values; -1: none has any. */
static int best_of(const struct judging *judging, const struct judged *judged, const double *values)
{
	int best = -1;

	for (unsigned i = 0; i < judging->from->way_count; i++)
		if (judged->allowed[i] && values[i] > 0 && (best < 0 || values[i] > values[best]))
			best = (int)i;
	return best;
}

/* The one that would have been chosen. */
static int choice_of(const struct judging *judging, const struct judged *judged)
{
	double scores[WAYS_MAX] = {0};

	for (unsigned i = 0; i < judging->from->way_count; i++)
		if (judged->allowed[i])
			scores[i] = judged->thought[i];
	return model_best(scores, judged->cost, judging->from->way_count);
}

/* What is lost in all cases in which @next is the first that is allowed, after the set @tried. */
static double cost_of(const struct judging *judging, unsigned tried, unsigned next)
{
	double cost = 0;

	for (unsigned c = 0; c < judging->count; c++) {
		const struct judged *judged = &judging->cases[c];
		bool decided = !judged->allowed[next];

		for (unsigned i = 0; i < judging->from->way_count && !decided; i++)
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
	unsigned all = (1u << judging->from->way_count) - 1, tried = 0;
	double *least = calloc(all + 1, sizeof(*least));
	unsigned char *next = calloc(all + 1, 1);

	for (unsigned set = all; least && next && set-- > 0;) {
		least[set] = INFINITY;
		for (unsigned i = 0; i < judging->from->way_count; i++) {
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
	for (unsigned i = 0; least && next && i < judging->from->way_count; i++) {
		ret[next[tried]] = judging->from->way_count - i;
		tried |= 1u << next[tried];
	}
	free(least);
	free(next);
}

/* Is the best told from all others? */
static bool is_separate(const struct judging *judging, const struct judged *judged, int best)
{
	for (unsigned i = 0; i < judging->from->way_count; i++)
		if ((int)i != best && judged->allowed[i] && judged->high[i] >= judged->low[best])
			return false;
	return true;
}

static void describe_worst(const struct judging *judging, const struct judged *judged, int chosen,
			   int best, struct regret *ret)
{
	const struct measurements *from = judging->from;

	snprintf(ret->worst_at, sizeof(ret->worst_at), "for %s in %s on %s%s: %s %s, not %s %s",
		 judged->application->name, from->scenarios.all[judged->scenario],
		 from->profiles.all[judged->profile],
		 judged->forbids ? " without native MPTCP" : "", from->ways[chosen].stack,
		 from->ways[chosen].protocol, from->ways[best].stack, from->ways[best].protocol);
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
		int chosen = choice_of(judging, judged);
		int fixed = best_of(judging, judged, ranks);
		double gave = judged->truth[chosen] / judged->truth[best];

		ret->forbidden += judged->forbids;
		ret->missed += fixed != best;
		if (is_separate(judging, judged, best)) {
			ret->separate++;
			ret->close += gave >= CLOSE;
		}
		if (gave < ret->worst) {
			ret->worst = gave;
			describe_worst(judging, judged, chosen, best, ret);
		}
		ret->mean += (1 - gave) / judging->count;
		ret->fixed_mean +=
			(1 - judged->truth[fixed] / judged->truth[best]) / judging->count;
	}
	for (unsigned i = 0; i < judging->from->way_count; i++)
		if (first < 0 || ranks[i] > ranks[first])
			first = (int)i;
	if (first >= 0)
		snprintf(ret->rule, sizeof(ret->rule), "%s %s", judging->from->ways[first].stack,
			 judging->from->ways[first].protocol);
}

void regret_of(const struct measurements *measurements, const char *own, struct regret *ret)
{
	struct judging judging = {.from = measurements,
				  .cases = calloc(CASES_MAX, sizeof(*judging.cases))};

	*ret = (struct regret){0};
	if (!judging.cases)
		return;
	for (unsigned scenario = 0; scenario < measurements->scenarios.count; scenario++)
		for (unsigned profile = 0; profile < measurements->profiles.count; profile++) {
			const struct model_place place = {.scenario = (int)scenario,
							  .profile = (int)profile};

			add_cases(&judging, &place, own);
		}
	sum_up(&judging, ret);
	free(judging.cases);
}

json_t *regret_describe(const struct regret *regret)
{
	return json_pack("{si si si si si sf ss sf sf ss}", "combinations",
			 (int)regret->combinations, "forbidden", (int)regret->forbidden, "missed",
			 (int)regret->missed, "separate", (int)regret->separate, "close",
			 (int)regret->close, "worst", regret->worst, "worst_at", regret->worst_at,
			 "mean", regret->mean, "fixed_mean", regret->fixed_mean, "rule",
			 regret->rule);
}
