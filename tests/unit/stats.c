/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost if wrong: every figure of every report, and what follows from it. */
#include "assess/stats.h"
#include "assess/summary.h"

#include <math.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void medians(void **state)
{
	const double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};

	NEAR(stats_median(odd, 3), 2);
	NEAR(stats_median(even, 4), 2.5);
	NEAR(stats_median(one, 1), 7);
	NEAR(stats_quantile(even, 4, 0), 1);
	NEAR(stats_quantile(even, 4, 1), 4);
	NEAR(stats_quantile(even, 4, 0.25), 1.75);
	assert_true(isnan(stats_median(NULL, 0)));
	NEAR(odd[0], 3); /* left as they were */
}

static void intervals(void **state)
{
	const double values[] = {10, 11, 9, 10.5, 9.5, 10, 50}, two[] = {1, 3};
	struct stats stats = stats_of(values, 7), again = stats_of(values, 7);

	assert_int_equal(stats.n, 7);
	NEAR(stats.median, 10);
	NEAR(stats.least, 9);
	NEAR(stats.most, 50);
	/* One value that is far off moves neither the median nor the whole interval. */
	assert_true(stats.low >= 9 && stats.low <= 10 && stats.high >= 10 && stats.high <= 11);
	NEAR(stats.low, again.low);
	NEAR(stats.high, again.high);
	stats = stats_of(two, 2);
	NEAR(stats.low, 1);
	NEAR(stats.high, 3);
	assert_int_equal(stats_of(NULL, 0).n, 0);
}

static void pairs(void **state)
{
	/* The machine was half as fast in each round after the other: the ratio stays. */
	const double a[] = {20, 10, 5, 2.5}, b[] = {10, 5, 2.5, 0};
	struct stats ratio = stats_paired(a, b, 4);

	assert_int_equal(ratio.n, 3);
	NEAR(ratio.median, 2);
	NEAR(ratio.low, 2);
	NEAR(ratio.high, 2);
}

/* Lost: a page would call better what is worse, or what nobody can know. */
static void verdicts(void **state)
{
	struct stats up = {.n = 5, .median = 1.3, .low = 1.2, .high = 1.4};
	struct stats perhaps = {.n = 5, .median = 1.3, .low = 0.9, .high = 1.4};
	struct stats few = {.n = 2, .median = 1.3, .low = 1.2, .high = 1.4};

	assert_int_equal(summary_verdict(figure_find("goodput"), &up), VERDICT_BETTER);
	assert_int_equal(summary_verdict(figure_find("delay-p95"), &up), VERDICT_WORSE);
	assert_int_equal(summary_verdict(figure_find("goodput"), &perhaps), VERDICT_SAME);
	assert_int_equal(summary_verdict(figure_find("goodput"), &few), VERDICT_SAME);
}

static json_t *record(const char *protocol, const char *link, int repetition, double goodput)
{
	return json_pack("{ss ss ss ss ss ss ss* si sb s{sf}}", "key", "k", "scenario", "pair",
			 "workload", "bulk-down", "profile", "this", "stack", "native", "protocol",
			 protocol, "link", link, "repetition", repetition, "ok", 1, "figures",
			 "goodput", goodput);
}

static void groups(void **state)
{
	const struct group mptcp = {"pair", "bulk-down", "this", "native", "mptcp", NULL, NULL, 0};
	const struct group tcp = {"pair", "bulk-down", "this", "native", "tcp", NULL, NULL, 0};
	json_t *records = json_array();
	struct summary summary;
	struct stats ratio, share;

	for (int i = 0; i < 3; i++) {
		json_array_append_new(records, record("mptcp", NULL, i, 60 + i));
		json_array_append_new(records, record("tcp", NULL, i, 40));
		json_array_append_new(records, record("tcp", "wifi", i, 40));
		json_array_append_new(records, record("tcp", "lte", i, 20 + i));
	}
	json_array_append_new(records, json_pack("{ss}", "key", "nonsense"));
	assert_int_equal(summary_make(records, &summary), 0);
	assert_int_equal(summary.count, 4);
	ratio = summary_ratio(summary_find(&summary, &mptcp), summary_find(&summary, &tcp),
			      "goodput");
	assert_int_equal(ratio.n, 3);
	NEAR(ratio.median, 61.0 / 40);
	share = summary_share(&summary, summary_find(&summary, &mptcp));
	assert_int_equal(share.n, 3);
	NEAR(share.median, 1); /* round by round, not of the medians */
	NEAR(share.most, 1);
	summary_free(&summary);
	json_decref(records);
}

/* Lost: who is not answered for 5 s would be better served than who is answered every time in 40 ms. */
static void fill(void **state)
{
	size_t n = 101;
	double *delays = calloc(n, sizeof(*delays));

	for (size_t i = 0; i < n; i++)
		delays[i] = 10;
	delays[7] = 15; /* nobody would have asked meanwhile */
	delays[50] = 5000;
	assert_true(stats_quantile(delays, n, 0.95) < 11);
	assert_int_equal(stats_fill(&delays, &n), 0);
	assert_int_equal(n, 101 + 499);
	assert_true(stats_quantile(delays, n, 0.5) > 1000);
	assert_true(stats_quantile(delays, n, 1) == 5000);
	free(delays);
	n = 0;
	delays = NULL;
	assert_int_equal(stats_fill(&delays, &n), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians),  cmocka_unit_test(intervals), cmocka_unit_test(pairs),
		cmocka_unit_test(verdicts), cmocka_unit_test(groups),    cmocka_unit_test(fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
