/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/model.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

#define NAMES_MAX 64

/* What is asked for, of what was measured. */
struct query {
	const struct measured **all; /* of this workload and figure alone; borrowed */
	unsigned count;
	const char *stack, *protocol;
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
	for (unsigned i = 0; i < query->count; i++) {
		const struct measured *measured = query->all[i];

		if (strcmp(measured->scenario, scenario) == 0 &&
		    strcmp(measured->profile, profile) == 0 &&
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

static void list(const struct query *query, struct names *scenarios, struct names *profiles)
{
	*scenarios = *profiles = (struct names){.count = 0};
	for (unsigned i = 0; i < query->count; i++) {
		names_add(scenarios, query->all[i]->scenario);
		names_add(profiles, query->all[i]->profile);
	}
}

/* Numbers, by what is enough for mean and variance. */
struct sample {
	unsigned count;
	double sum, squares;
};

static void sample_add(struct sample *sample, double value)
{
	sample->count++;
	sample->sum += value;
	sample->squares += value * value;
}

static double sample_mean(const struct sample *sample)
{
	return sample->count ? sample->sum / sample->count : 0;
}

/* The sum of squares about the mean. */
static double sample_scatter(const struct sample *sample)
{
	double scatter = sample->squares - sample->sum * sample_mean(sample);

	return scatter > 0 ? scatter : 0;
}

/* What the step from profile @other to @profile does to the figure in other scenarios than @scenario, to one stack and
 * protocol: logarithms of factors. */
static struct sample step_of(const struct query *query, const struct names *scenarios,
			     const char *scenario, const char *other, const char *profile)
{
	struct sample steps = {0};

	for (unsigned i = 0; i < scenarios->count; i++) {
		double from, to;

		if (strcmp(scenarios->all[i], scenario) == 0)
			continue;
		from = look_up(query, scenarios->all[i], other);
		to = look_up(query, scenarios->all[i], profile);
		if (from > 0 && to > 0)
			sample_add(&steps, log(to / from));
	}
	return steps;
}

/* Have this figure's stack and protocol come before in the list? */
static bool is_repeated(const struct query *query, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (strcmp(query->all[i]->stack, query->all[at]->stack) == 0 &&
		    strcmp(query->all[i]->protocol, query->all[at]->protocol) == 0)
			return true;
	return false;
}

/* How much of what was seen of one stack and protocol, @own, is theirs, and not chance: 0..1. @means: what was seen of each on
 * average; @scatter and @freedom: of all of them, about those; @shares: the sum of 1 / how often each was seen. Means that
 * differ by no more than chance makes them differ say nothing; where stacks do the same in every scenario, all is theirs. */
static double credit(const struct sample *own, const struct sample *means, double scatter,
		     unsigned freedom, double shares)
{
	double chance = freedom ? scatter / freedom : 0, real = 0;

	if (means->count > 1)
		real = sample_scatter(means) / (means->count - 1) - chance * shares / means->count;
	if (!(chance > 0))
		return 1;
	return real > 0 ? real / (real + chance / own->count) : 0;
}

/* The factor by which the step changes the figure; 1 if nothing is known of it, and then *@known is false. A few scenarios say
 * little of one stack and protocol, so what is chance in it is replaced by what the step does to all of them on average (the
 * estimate of James and Stein). */
static double step(const struct query *query, const struct names *scenarios, const char *scenario,
		   const char *other, const char *profile, bool *known)
{
	struct sample own = step_of(query, scenarios, scenario, other, profile), means = {0};
	double scatter = 0, shares = 0, part;
	unsigned freedom = 0;

	for (unsigned i = 0; i < query->count; i++) {
		struct query each = *query;
		struct sample one;

		if (is_repeated(query, i))
			continue;
		each.stack = query->all[i]->stack;
		each.protocol = query->all[i]->protocol;
		one = step_of(&each, scenarios, scenario, other, profile);
		if (!one.count)
			continue;
		sample_add(&means, sample_mean(&one));
		scatter += sample_scatter(&one);
		freedom += one.count - 1;
		shares += 1.0 / one.count;
	}
	*known = means.count > 0;
	part = own.count ? credit(&own, &means, scatter, freedom, shares) : 0;
	return exp(part * sample_mean(&own) + (1 - part) * sample_mean(&means));
}

static double predict(const struct query *query, const char *scenario, const char *profile)
{
	struct names scenarios, profiles;
	double there = look_up(query, scenario, profile);
	struct mean mean = {0};

	if (there > 0)
		return there;
	list(query, &scenarios, &profiles);
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

	list(query, &scenarios, &profiles);
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

/* By what was measured of @workload and @figure. */
static double foresee(const struct measurements *from, const struct model_place *place,
		      const char *stack, const char *protocol, const char *workload,
		      const char *figure)
{
	_cleanup_free_ const struct measured **all = calloc(from->count + 1, sizeof(*all));
	struct query query = {
		.all = all,
		.stack = stack,
		.protocol = protocol,
		.without_scenario = place->held_out ? place->scenario : NULL,
		.without_profile = place->profile,
	};

	for (unsigned i = 0; all && i < from->count; i++)
		if (strcmp(from->all[i].figure, figure) == 0 &&
		    strcmp(from->all[i].workload, workload) == 0)
			all[query.count++] = &from->all[i];
	return place->scenario ? predict(&query, place->scenario, place->profile)
			       : anywhere(&query, place->profile);
}

double model_figure(const struct measurements *from, const struct model_place *place,
		    const char *stack, const char *protocol, const char *workload,
		    const char *figure)
{
	double value = foresee(from, place, stack, protocol, workload, figure);

	if (strcmp(figure, "cpu-per-gb") == 0)
		return value * price(from, place);
	if (strcmp(figure, "goodput") == 0 && place->cpus > 0) {
		double most = foresee(from, place, stack, protocol, workload, "cpu-per-gb") *
			      price(from, place);

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
