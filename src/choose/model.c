/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/model.h"

#include "base/cleanup.h"
#include "choose/level.h"

#include <math.h>
#include <string.h>

#define AS_GOOD 0.97

/* What is asked for: one figure with one workload, in a place. */
struct query {
	const struct measurements *from;
	const struct model_place *place;
	int workload, figure;
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

/* What was measured; NULL: it was not, or may not be looked at. */
static const struct measured *find(const struct query *query, unsigned scenario, unsigned profile,
				   unsigned way)
{
	const struct model_place *place = query->place;

	if (place->held_out && (int)scenario == place->scenario && (int)profile == place->profile)
		return NULL;
	return measurements_find(query->from,
				 (struct measured_at){.figure = (uint8_t)query->figure,
						      .workload = (uint8_t)query->workload,
						      .scenario = (uint8_t)scenario,
						      .profile = (uint8_t)profile,
						      .way = (uint8_t)way});
}

/* As far as it is to be believed; 0: nothing is known. */
static double look_up(const struct query *query, unsigned scenario, unsigned profile, unsigned way)
{
	const struct measured *measured = find(query, scenario, profile, way);

	return measured ? measured->likely : 0;
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

/* From one profile to another, in other scenarios than the one that is asked about. */
struct step {
	unsigned scenario, from, to;
};

/* What the step does to the figure of one way: logarithms of factors. */
static struct sample step_of(const struct query *query, const struct step *step, unsigned way)
{
	struct sample steps = {0};

	for (unsigned i = 0; i < query->from->scenarios.count; i++) {
		double from, to;

		if (i == step->scenario)
			continue;
		from = look_up(query, i, step->from, way);
		to = from > 0 ? look_up(query, i, step->to, way) : 0;
		if (to > 0)
			sample_add(&steps, log(to / from));
	}
	return steps;
}

/* How much of what was seen of one way, @own, is its own, and not chance: 0..1. @means: what was seen of each on average;
 * @scatter and @freedom: of all of them, about those; @shares: the sum of 1 / how often each was seen. Means that differ by no
 * more than chance makes them differ say nothing; where ways do the same in every scenario, all is theirs. */
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

/* The factor by which the step changes the figure of @way; 1 if nothing is known of it, and then *@known is false. A few
 * scenarios say little of one way, so what is chance in it is replaced by what the step does to all of them on average (the
 * estimate of James and Stein). */
static double step_factor(const struct query *query, const struct step *step, unsigned way,
			  bool *known)
{
	struct sample own = step_of(query, step, way), means = {0};
	double scatter = 0, shares = 0, part;
	unsigned freedom = 0;

	for (unsigned i = 0; i < query->from->way_count; i++) {
		struct sample one = step_of(query, step, i);

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

static double predict(const struct query *query, unsigned scenario, unsigned way)
{
	struct step step = {.scenario = scenario, .to = (unsigned)query->place->profile};
	const struct measured *there = find(query, scenario, step.to, way);
	struct mean mean = {0};

	if (there)
		return query->place->as_measured ? there->median : there->likely;
	for (step.from = 0; step.from < query->from->profiles.count; step.from++) {
		double near = step.from != step.to ? look_up(query, scenario, step.from, way) : 0;
		bool known;

		if (near > 0) {
			double factor = step_factor(query, &step, way, &known);

			/* A step of which something is known says more than a small one; and the smaller, the surer. */
			mean_add(&mean, near * factor,
				 (known ? 1 : 0.1) / (0.1 + fabs(log(factor))));
		}
	}
	return mean_of(&mean);
}

static double foresee(const struct query *query, const char *figure, unsigned scenario,
		      unsigned way)
{
	struct query of = *query;

	of.figure = names_find(&query->from->figures, figure);
	return of.figure < 0 ? 0 : predict(&of, scenario, way);
}

/* How much more the processor's work costs where a packet costs @packet. */
static double price(const struct measurements *from, double packet)
{
	return packet > 0 && from->packet > 0 ? packet / from->packet : 1;
}

static double figure_of(const struct query *query, const char *figure, unsigned scenario,
			unsigned way)
{
	double value = foresee(query, figure, scenario, way);
	double dear = price(query->from, query->place->packet);

	if (strcmp(figure, "cpu-per-gb") == 0)
		return value * dear;
	if (strcmp(figure, "goodput") == 0 && query->place->cpus > 0) {
		double most = foresee(query, "cpu-per-gb", scenario, way) * dear;

		if (most > 0 && value > query->place->cpus * 8e9 / most)
			return query->place->cpus * 8e9 / most;
	}
	return value;
}

/* By one workload in one scenario: the geometric mean of the figures that count; 0: one of them is not known. */
static double score_of(const struct query *query, const void *what, unsigned scenario, unsigned way)
{
	const struct application *application = what;
	struct mean mean = {0};

	for (unsigned i = 0; i < APPLICATION_FIGURES && application->figures[i].name; i++) {
		double value = figure_of(query, application->figures[i].name, scenario, way);

		if (!(value > 0))
			return 0;
		mean_add(&mean, application->figures[i].less ? 1 / value : value, 1);
	}
	return mean_of(&mean);
}

/* The scenarios that count: from the first one to before the end. */
static unsigned first_scenario(const struct query *query, unsigned *ret_end)
{
	bool any = query->place->scenario == MODEL_ANY;

	*ret_end = any ? query->from->scenarios.count : (unsigned)query->place->scenario + 1;
	return any ? 0 : (unsigned)query->place->scenario;
}

/* What a way is worth at one scenario, by @what. */
typedef double (*value_of)(const struct query *query, const void *what, unsigned scenario,
			   unsigned way);

static double one_figure(const struct query *query, const void *figure, unsigned scenario,
			 unsigned way)
{
	return figure_of(query, figure, scenario, way);
}

/* The scenarios that count, of one workload. */
static void level_workload(struct level *level, struct query *query, const char *workload,
			   value_of value, const void *what)
{
	unsigned end, i = first_scenario(query, &end);

	query->workload = names_find(&query->from->workloads, workload);
	for (; query->workload >= 0 && i < end; i++) {
		double values[WAYS_MAX];

		for (unsigned way = 0; way < query->from->way_count; way++)
			values[way] = value(query, what, i, way);
		level_add(level, values);
	}
}

void model_figures(const struct measurements *from, const struct model_place *place,
		   const char *workload, const char *figure, double ret[static WAYS_MAX])
{
	struct model_place plain = *place;
	struct query query = {.from = from, .place = &plain};
	struct level level = {.ways = from->way_count};

	plain.as_measured = true;
	level_workload(&level, &query, workload, one_figure, figure);
	level_of(&level, ret);
	level_free(&level);
}

/* Over all workloads of the application. */
static void level_all(const struct measurements *from, const struct model_place *place,
		      const struct application *application, value_of value, const void *what,
		      double ret[static WAYS_MAX])
{
	struct query query = {.from = from, .place = place};
	struct level level = {.ways = from->way_count};

	for (unsigned w = 0; w < APPLICATION_WORKLOADS && application->workloads[w]; w++)
		level_workload(&level, &query, application->workloads[w], value, what);
	level_of(&level, ret);
	level_free(&level);
}

void model_scores(const struct measurements *from, const struct model_place *place,
		  const struct application *application, double ret[static WAYS_MAX])
{
	level_all(from, place, application, score_of, application, ret);
}

void model_costs(const struct measurements *from, const struct model_place *place,
		 const struct application *application, double ret[static WAYS_MAX])
{
	level_all(from, place, application, one_figure, "cpu", ret);
}

int model_best(const double *scores, const double *costs, unsigned count)
{
	int best = -ENOENT, cheapest;

	for (unsigned i = 0; i < count; i++)
		if (scores[i] > 0 && (best < 0 || scores[i] > scores[best]))
			best = (int)i;
	cheapest = best;
	for (unsigned i = 0; i < count; i++)
		if (best >= 0 && scores[i] >= scores[best] * AS_GOOD && costs[i] > 0 &&
		    costs[i] < costs[cheapest])
			cheapest = (int)i;
	return cheapest;
}

/* How far two sizes are from each other; nothing is known of one that is 0. */
static double distance(double a, double b)
{
	return a > 0 && b > 0 ? fabs(log(a / b)) : 0;
}

int model_profile(const struct measurements *from, double packet, double cpus, double memory)
{
	double least = INFINITY, power = cpus / price(from, packet);
	int best = -ENOENT;

	for (unsigned i = 0; i < from->profiles.count; i++) {
		/* Memory that is enough is enough: what it does is small beside what the processor does. */
		double far = distance(power, from->sizes[i].cpus) +
			     distance(memory, from->sizes[i].memory) / 4;

		if (far < least) {
			least = far;
			best = (int)i;
		}
	}
	return best;
}
