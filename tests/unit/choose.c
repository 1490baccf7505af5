/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost if wrong: a person runs their program on a stack that is not the one that the figures speak for. */
#include "choose/model.h"
#include "choose/regret.h"
#include "choose/trust.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *stats(double median)
{
	return json_pack("{sf sf sf}", "median", median, "low", median * 0.99, "high",
			 median * 1.01);
}

/* A group of bulk-down. */
static void add(json_t *summary, const char *scenario, const char *profile, double cpus,
		const char *stack, const char *protocol, double goodput, double cost)
{
	json_array_append_new(json_object_get(summary, "groups"),
			      json_pack("{sf sf ss ss ss ss ss s{so so}}", "cpus", cpus, "memory",
					cpus * 1e9, "scenario", scenario, "workload", "bulk-down",
					"profile", profile, "stack", stack, "protocol", protocol,
					"figures", "goodput", stats(goodput), "cpu-per-gb",
					stats(cost)));
}

/* MPTCP is better wherever there is a processor for it, TCP on a small device. */
static json_t *make(void)
{
	json_t *summary = json_pack("{s[] so}", "groups", "packet_ns", stats(1000));

	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = {"pair", "lossy", "edge"};

		add(summary, names[i], "this", 2, "native", "tcp", 50e6 * (i + 1), 5);
		add(summary, names[i], "this", 2, "native", "mptcp", 70e6 * (i + 1), 10);
		add(summary, names[i], "this", 2, "host", "tcp", 45e6 * (i + 1), 8);
		add(summary, names[i], "low-end", 0.1, "native", "tcp", 40e6 * (i + 1), 6);
		add(summary, names[i], "low-end", 0.1, "native", "mptcp", 30e6 * (i + 1), 12);
		add(summary, names[i], "low-end", 0.1, "host", "tcp", 20e6 * (i + 1), 9);
	}
	return summary;
}

static struct model_place place(const struct measurements *from, const char *scenario,
				const char *profile)
{
	return (struct model_place){.scenario = scenario ? names_find(&from->scenarios, scenario)
							 : MODEL_ANY,
				    .profile = names_find(&from->profiles, profile)};
}

static double figure(const struct measurements *from, struct model_place at, const char *stack,
		     const char *protocol, const char *workload, const char *name)
{
	int way = measurements_way(from, stack, protocol);
	double all[WAYS_MAX];

	model_figures(from, &at, workload, name, all);
	return way < 0 ? 0 : all[way];
}

static double goodput(const struct measurements *from, struct model_place at, const char *protocol)
{
	return figure(from, at, "native", protocol, "bulk-down", "goodput");
}

static double score(const struct measurements *from, struct model_place at, const char *stack,
		    const char *protocol, const char *application)
{
	double all[WAYS_MAX];

	model_scores(from, &at, application_find(application), all);
	return all[measurements_way(from, stack, protocol)];
}

static void predicts(void **state)
{
	json_t *summary = make();
	struct measurements from;
	struct model_place here;
	double value;

	assert_int_equal(measurements_from(summary, &from, NULL), 0);
	here = place(&from, "pair", "low-end");
	assert_true(fabs(goodput(&from, here, "mptcp") - 30e6) < 1);
	/* Without its own measurement: what the step did in other scenarios, which here is exactly it. */
	here.held_out = true;
	assert_true(fabs(goodput(&from, here, "mptcp") - 30e6) < 1e3);
	here.held_out = false;
	/* Any network: between the least and the most. */
	here.scenario = MODEL_ANY;
	value = goodput(&from, here, "tcp");
	assert_true(value > 40e6 && value < 120e6);
	/* A processor that is ten times as slow carries no more than it can: 0.1 CPU, 60 s for a GB. */
	here = place(&from, "pair", "low-end");
	here.packet = 10000;
	here.cpus = 0.1;
	assert_true(fabs(goodput(&from, here, "tcp") - 0.1 * 8e9 / 60) < 1e4);
	/* What nobody has measured is not known. */
	assert_true(figure(&from, here, "native", "tcp", "messages", "delay-p95") == 0);
	assert_true(figure(&from, here, "uml", "tcp", "bulk-down", "goodput") == 0);
	measurements_free(&from);
	json_decref(summary);
}

/* Lost: a stack would be praised for what was chance in two networks. Between profiles the goodput of none changes, on average, but
 * it is half as much or twice as much in each network, as the dice fall. */
static void doubts(void **state)
{
	static const char *const names[] = {"pair", "lossy", "edge"}, *const stacks[] = {"native",
											 "host",
											 "lkl"};
	static const double steps[3][3] = {{1, 2, 0.7}, {1, 0.5, 1.6}, {1, 0.6, 1.5}};
	json_t *summary = json_pack("{s[] so}", "groups", "packet_ns", stats(1000));
	struct model_place here;
	struct measurements from;
	double own = 0, all = 0, got;

	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++) {
			add(summary, names[i], "this", 2, stacks[j], "tcp", 10e6, 5);
			add(summary, names[i], "low-end", 0.1, stacks[j], "tcp", 10e6 * steps[j][i],
			    5);
			own += i > 0 && j == 0 ? log(steps[j][i]) / 2 : 0;
			all += i > 0 ? log(steps[j][i]) / 6 : 0;
		}
	assert_int_equal(measurements_from(summary, &from, NULL), 0);
	here = place(&from, "pair", "low-end");
	here.held_out = true;
	got = log(goodput(&from, here, "tcp") / 10e6);
	assert_true(own > 0.16 && all < 0.02);
	assert_true(fabs(got - all) < 1e-6);
	measurements_free(&from);
	json_decref(summary);
}

static void chooses(void **state)
{
	json_t *summary = make();
	struct measurements from;
	struct model_place strong, weak;

	assert_int_equal(measurements_from(summary, &from, NULL), 0);
	strong = place(&from, NULL, "this");
	weak = place(&from, NULL, "low-end");
	assert_true(score(&from, strong, "native", "mptcp", "bulk") >
		    score(&from, strong, "native", "tcp", "bulk"));
	assert_true(score(&from, weak, "native", "mptcp", "bulk") <
		    score(&from, weak, "native", "tcp", "bulk"));
	/* Where the battery counts as much, TCP is better on both. */
	assert_true(score(&from, strong, "native", "mptcp", "background") <
		    score(&from, strong, "native", "tcp", "background"));
	assert_true(score(&from, strong, "native", "tcp", "offload") == 0);
	assert_int_equal(model_profile(&from, 0, 1.5, 8e9), strong.profile);
	assert_int_equal(model_profile(&from, 0, 0.05, 64e6), weak.profile);
	/* Two slow processors are a weak device. */
	assert_int_equal(model_profile(&from, 1000, 2, 8e9), strong.profile);
	assert_int_equal(model_profile(&from, 50000, 2, 8e9), weak.profile);
	measurements_free(&from);
	json_decref(summary);
}

/* Lost: a stack would be chosen because it was measured only where every stack is quick. */
static void levels(void **state)
{
	json_t *summary = json_pack("{s[] so}", "groups", "packet_ns", stats(1000));
	struct measurements from;
	struct model_place any;

	add(summary, "pair", "this", 2, "native", "tcp", 10e6, 5);
	add(summary, "edge", "this", 2, "native", "tcp", 90e6, 5);
	add(summary, "edge", "this", 2, "lkl", "tcp", 60e6, 5);
	add(summary, "lossy", "this", 2, "native", "tcp", 20e6, 5);
	assert_int_equal(measurements_from(summary, &from, NULL), 0);
	any = place(&from, NULL, "this");
	/* Two thirds of the other where both were measured: two thirds of it on the whole. */
	assert_true(fabs(score(&from, any, "lkl", "tcp", "bulk") /
				 score(&from, any, "native", "tcp", "bulk") -
			 2 / 3.0) < 1e-3);
	assert_true(fabs(figure(&from, any, "lkl", "tcp", "bulk-down", "goodput") /
				 cbrt(10e6 * 90e6 * 20e6) -
			 2 / 3.0) < 1e-3);
	/* And where it was not measured nothing is known of it. */
	any = place(&from, "lossy", "this");
	assert_true(score(&from, any, "lkl", "tcp", "bulk") == 0);
	measurements_free(&from);
	json_decref(summary);
}

static struct measured of(double median, double low, double high, double n)
{
	return (struct measured){.median = median, .low = low, .high = high, .n = n};
}

/* Lost: an order of stacks that is chance would decide where it was not chance. */
static void trusts(void **state)
{
	/* Intervals that are as wide as all are apart. */
	struct measured chance[] = {of(10, 5, 20, 5), of(12, 6, 24, 5), of(15, 6, 30, 5)};
	/* Narrow ones. */
	struct measured sure[] = {of(10, 9.99, 10.01, 5), of(12, 11.99, 12.01, 5),
				  of(15, 14.99, 15.01, 5)};
	/* One that is not sure, among others that are: it alone is drawn to them. */
	struct measured one[] = {of(10, 9.99, 10.01, 5), of(11, 10.99, 11.01, 5),
				 of(40, 4, 400, 5)};
	struct measured few[] = {of(10, 10, 10, 1), of(12, 12, 12, 1)};

	trust_weigh(chance, 3);
	assert_true(chance[2].likely / chance[0].likely < 1.01);
	assert_true(chance[0].likely > 10 && chance[2].likely < 15);
	trust_weigh(sure, 3);
	assert_true(fabs(sure[0].likely - 10) < 0.01 && fabs(sure[2].likely - 15) < 0.01);
	trust_weigh(one, 3);
	assert_true(fabs(one[0].likely - 10) < 0.1 && one[2].likely < 35);
	/* Where nothing is known of chance nothing can be said against what was seen. */
	trust_weigh(few, 2);
	assert_true(few[0].likely == 10 && few[1].likely == 12);
}

/* Lost: battery, and what is foreseen least surely, to a stack that seems a hair better. */
static void is_thrifty(void **state)
{
	static const double scores[] = {1, 0.98, 0.9, 0}, costs[] = {5, 2, 1, 0.1};
	static const double unknown[] = {0, 0, 0, 0};

	assert_int_equal(model_best(scores, costs, 4), 1);
	assert_int_equal(model_best(scores, unknown, 4), 0);
	assert_int_equal(model_best(&scores[3], costs, 1), -ENOENT);
	assert_int_equal(model_best(scores, costs, 0), -ENOENT);
}

/* Lost: figures that say how good choices are, and are wrong. */
static void regrets(void **state)
{
	json_t *summary = make();
	struct measurements from;
	struct regret regret;

	assert_int_equal(measurements_from(summary, &from, NULL), 0);
	regret_of(&from, "native", &regret);
	/* 2 profiles, 3 scenarios, bulk and background, with native MPTCP and without. */
	assert_int_equal(regret.combinations, 2 * 3 * 2 * 2);
	assert_int_equal(regret.forbidden, 12);
	assert_int_equal(regret.separate, regret.combinations);
	/* What is the same everywhere is foreseen everywhere. */
	assert_int_equal(regret.close, regret.separate);
	assert_true(regret.mean < 1e-9 && regret.worst > 1 - 1e-9);
	/* The fixed rule is native tcp: it misses bulk on the strong device. */
	assert_string_equal(regret.rule, "native tcp");
	assert_int_equal(regret.missed, 3);
	assert_true(regret.fixed_mean > 0.01);
	/* What was measured once is told from nothing. */
	for (unsigned i = 0; i < from.count; i++)
		from.all[i].n = 1;
	regret_of(&from, "native", &regret);
	assert_int_equal(regret.separate, 0);
	measurements_free(&from);
	json_decref(summary);
}

static const char broken_figure[] =
	"{\"groups\": [{\"scenario\": \"a\", \"workload\": \"b\", \"profile\": \"c\", "
	"\"stack\": \"d\", \"protocol\": \"e\", \"figures\": {\"goodput\": 5}}]}";

static void refuses(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{\"groups\": 5}",
		"{\"groups\": [5]}",
		"{\"groups\": [{\"scenario\": \"a\"}]}",
		broken_figure,
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_t *summary = json_loads(wrong[i], 0, NULL);
		struct measurements from = {0};
		struct err err = {0};

		assert_non_null(summary);
		assert_int_equal(measurements_from(summary, &from, &err), -EINVAL);
		assert_true(err.text[0]);
		json_decref(summary);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(predicts), cmocka_unit_test(doubts),     cmocka_unit_test(chooses),
		cmocka_unit_test(regrets),  cmocka_unit_test(refuses),    cmocka_unit_test(levels),
		cmocka_unit_test(trusts),   cmocka_unit_test(is_thrifty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
