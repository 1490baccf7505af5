/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/model.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

#define NAMES_MAX 64

/* What is asked for, of what was measured. */
struct query {
	const struct measurements *from;
	const char *stack, *protocol, *workload, *figure;
	const char *without_scenario, *without_profile; /* not to be looked at; NULL: all may be */
};

struct names {
	const char *all[NAMES_MAX];
	unsigned count;
};

/* A sum of logarithms: what has no unit outweighs nothing. */
struct mean {
	double sum, weight;
};

static void mean_add(struct mean *mean, double value, double weight)
{
	mean->sum += weight * log(value);
	mean->weight += weight;
}

static double mean_of(const struct mean *mean)
{
	return mean->weight > 0 ? exp(mean->sum / mean->weight) : 0;
}

static double look_up(const struct query *query, const char *scenario, const char *profile)
{
	if (query->without_scenario && strcmp(scenario, query->without_scenario) == 0 &&
	    strcmp(profile, query->without_profile) == 0)
		return 0;
	for (unsigned i = 0; i < query->from->count; i++) {
		const struct measured *measured = &query->from->all[i];

		if (strcmp(measured->figure, query->figure) == 0 &&
		    strcmp(measured->scenario, scenario) == 0 &&
		    strcmp(measured->profile, profile) == 0 &&
		    strcmp(measured->workload, query->workload) == 0 &&
		    strcmp(measured->stack, query->stack) == 0 &&
		    strcmp(measured->protocol, query->protocol) == 0)
			return measured->median;
	}
	return 0;
}

static void names_add(struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->all[i], name) == 0)
			return;
	if (names->count < NAMES_MAX)
		names->all[names->count++] = name;
}

static void list(const struct measurements *from, struct names *scenarios, struct names *profiles)
{
	*scenarios = *profiles = (struct names){.count = 0};
	for (unsigned i = 0; i < from->count; i++) {
		names_add(scenarios, from->all[i].scenario);
		names_add(profiles, from->all[i].profile);
	}
}

/* What the step from profile @other to @profile does to the figure in other scenarios than @scenario: a factor; 1 if nothing
 * is known of it, and then *@known is false. */
static double step(const struct query *query, const struct names *scenarios, const char *scenario,
		   const char *other, const char *profile, bool *known)
{
	struct mean mean = {0};

	for (unsigned i = 0; i < scenarios->count; i++) {
		double from, to;

		if (strcmp(scenarios->all[i], scenario) == 0)
			continue;
		from = look_up(query, scenarios->all[i], other);
		to = look_up(query, scenarios->all[i], profile);
		if (from > 0 && to > 0)
			mean_add(&mean, to / from, 1);
	}
	*known = mean.weight > 0;
	return *known ? mean_of(&mean) : 1;
}

static double predict(const struct query *query, const char *scenario, const char *profile)
{
	struct names scenarios, profiles;
	double there = look_up(query, scenario, profile);
	struct mean mean = {0};

	if (there > 0)
		return there;
	list(query->from, &scenarios, &profiles);
	for (unsigned i = 0; i < profiles.count; i++) {
		const char *other = profiles.all[i];
		double near = strcmp(other, profile) ? look_up(query, scenario, other) : 0;
		bool known;

		if (near > 0) {
			double factor = step(query, &scenarios, scenario, other, profile, &known);

			/* A step of which something is known says more than a small one; and the smaller, the surer. */
			mean_add(&mean, near * factor,
				 (known ? 1 : 0.1) / (0.1 + fabs(log(factor))));
		}
	}
	return mean_of(&mean);
}

static double anywhere(const struct query *query, const char *profile)
{
	struct names scenarios, profiles;
	struct mean mean = {0};

	list(query->from, &scenarios, &profiles);
	for (unsigned i = 0; i < scenarios.count; i++) {
		double value = predict(query, scenarios.all[i], profile);

		if (value > 0)
			mean_add(&mean, value, 1);
	}
	return mean_of(&mean);
}

/* How much more the processor's work costs here. */
static double price(const struct measurements *from, const struct model_place *place)
{
	return place->packet > 0 && from->packet > 0 ? place->packet / from->packet : 1;
}

static double raw(const struct measurements *from, const struct model_place *place,
		  const struct query *query)
{
	return place->scenario ? predict(query, place->scenario, place->profile)
			       : anywhere(query, place->profile);
}

double model_figure(const struct measurements *from, const struct model_place *place,
		    const char *stack, const char *protocol, const char *workload,
		    const char *figure)
{
	struct query query = {
		.from = from,
		.stack = stack,
		.protocol = protocol,
		.workload = workload,
		.figure = figure,
		.without_scenario = place->held_out ? place->scenario : NULL,
		.without_profile = place->profile,
	};
	double value = raw(from, place, &query);

	if (strcmp(figure, "cpu-per-gb") == 0)
		return value * price(from, place);
	if (strcmp(figure, "goodput") == 0 && place->cpus > 0) {
		double most;

		query.figure = "cpu-per-gb";
		most = raw(from, place, &query) * price(from, place);
		if (most > 0 && value > place->cpus * 8e9 / most)
			return place->cpus * 8e9 / most;
	}
	return value;
}

/* By one workload: the geometric mean of the figures that count; 0: one of them is not known. */
static double score_by(const struct measurements *from, const struct model_place *place,
		       const char *stack, const char *protocol,
		       const struct application *application, const char *workload)
{
	struct mean mean = {0};

	for (unsigned i = 0; i < APPLICATION_FIGURES && application->figures[i].name; i++) {
		double value = model_figure(from, place, stack, protocol, workload,
					    application->figures[i].name);

		if (!(value > 0))
			return 0;
		mean_add(&mean, application->figures[i].less ? 1 / value : value, 1);
	}
	return mean_of(&mean);
}

double model_score(const struct measurements *from, const struct model_place *place,
		   const char *stack, const char *protocol, const struct application *application)
{
	struct mean mean = {0};

	for (unsigned i = 0; i < APPLICATION_WORKLOADS && application->workloads[i]; i++) {
		double score = score_by(from, place, stack, protocol, application,
					application->workloads[i]);

		if (score > 0)
			mean_add(&mean, score, 1);
	}
	return mean_of(&mean);
}

/* How far two sizes are from each other; nothing is known of one that is 0. */
static double distance(double a, double b)
{
	return a > 0 && b > 0 ? fabs(log(a / b)) : 0;
}

const char *model_profile(const struct measurements *from, double cpus, double memory)
{
	const char *best = NULL;
	double least = INFINITY;

	for (unsigned i = 0; i < from->count; i++) {
		const struct measured *measured = &from->all[i];
		/* Memory that is enough is enough: what it does is small beside what the processor does. */
		double far =
			distance(cpus, measured->cpus) + distance(memory, measured->memory) / 4;

		if (far < least) {
			least = far;
			best = measured->profile;
		}
	}
	return best;
}
