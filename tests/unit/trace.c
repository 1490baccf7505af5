/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded links: reading them, and finding the opportunities of their endless repetition. */
#include "lab/trace.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct trace *parse(const char *text)
{
	struct trace *trace = NULL;
	struct err err = {};

	assert_int_equal(trace_parse(text, strlen(text), &trace, &err), 0);
	assert_non_null(trace);
	assert_string_equal(err.text, "");
	return trace;
}

/* A user's recording would be refused or read wrongly, depending on the editor that saved it. */
static void test_line_endings(void **state)
{
	static const char *const texts[] = {"1\n1\n30\n", "1\r\n1\r\n30\r\n", "1\n1\n30",
					    "1\r\n1\n0030"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct trace *trace = parse(texts[i]);

		assert_int_equal(trace->count, 3);
		assert_int_equal(trace->at_ms[0], 1);
		assert_int_equal(trace->at_ms[1], 1);
		assert_int_equal(trace->at_ms[2], 30);
		assert_int_equal(trace->period, 30 * NS_PER_MS);
		trace_free(trace);
	}
}

/* A damaged recording would be emulated as a different link, or crash the lab. */
static void test_malformed(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "empty"},
		{"\n", "line 1: not a time"},
		{"1\n\n2\n", "line 2: not a time"},
		{"1\n2\n\n", "line 3: not a time"},
		{" 1\n", "line 1: not a time"},
		{"1 \n", "line 1: not a time"},
		{"+1\n", "line 1: not a time"},
		{"-1\n", "line 1: not a time"},
		{"1.5\n", "line 1: not a time"},
		{"0x10\n", "line 1: not a time"},
		{"1\r2\n", "line 1: not a time"},
		{"1\r\r\n", "line 1: not a time"},
		{"1\r", "line 1: not a time"},
		{"1\n# comment\n", "line 2: not a time"},
		{"4294967296\n", "line 1: time above 4294967295"},
		{"1\n99999999999999999999999999999\n", "line 2: time above 4294967295"},
		{"5\n6\n4\n", "line 3: time 4 ms is before the 6 ms"},
		{"0\n", "line 1: the last time"},
		{"0\n0\n", "line 2: the last time"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct trace *trace = (struct trace *)&bad;
		struct err err = {};

		assert_int_equal(trace_parse(bad[i].text, strlen(bad[i].text), &trace, &err),
				 -EINVAL);
		assert_ptr_equal(trace, &bad); /* untouched */
		if (!strstr(err.text, bad[i].words))
			fail_msg("\"%s\" gave \"%s\"", bad[i].text, err.text);
		assert_int_equal(trace_parse(bad[i].text, strlen(bad[i].text), &trace, NULL),
				 -EINVAL);
	}
}

/* A zero byte would hide the rest of the file. */
static void test_zero_byte(void **state)
{
	struct trace *trace = NULL;

	assert_int_equal(trace_parse("1\0\n2\n", 5, &trace, NULL), -EINVAL);
	assert_null(trace);
}

/* The largest time would overflow where the length is computed. */
static void test_largest_time(void **state)
{
	struct trace *trace = parse("4294967295\n");

	assert_int_equal(trace->period, UINT32_MAX * NS_PER_MS);
	assert_int_equal(trace_opportunity(trace, 1), UINT32_MAX * NS_PER_MS * 2);
	assert_int_equal(trace_opportunity(trace, UINT64_MAX), UINT64_MAX); /* saturates */
	trace_free(trace);
}

/* A wrong file by mistake would eat all memory before it is refused. */
static void test_too_many_lines(void **state)
{
	size_t size = 64 * 1000 * 1000 + 1;
	_cleanup_free_ char *text = malloc(size);
	struct trace *trace = NULL;
	struct err err = {};

	assert_non_null(text);
	memset(text, '\n', size);
	assert_int_equal(trace_parse(text, size, &trace, &err), -E2BIG);
	assert_non_null(strstr(err.text, "64000001 lines"));
}

/* The replay would drift or stutter each time the recording starts again. */
static void test_repetition(void **state)
{
	struct trace *trace = parse("1\n1\n3\n7\n");
	static const uint64_t at[] = {1, 1, 3, 7, 8, 8, 10, 14, 15, 15, 17, 21};

	for (size_t n = 0; n < ARRAY_SIZE(at); n++)
		assert_int_equal(trace_opportunity(trace, n), at[n] * NS_PER_MS);
	assert_int_equal(trace_opportunity(trace, 4000000000ULL), 7000000001ULL * NS_PER_MS);
	trace_free(trace);
}

/* A packet would miss an opportunity that is its own, or use one that has passed. */
static void test_find(void **state)
{
	static const char *const texts[] = {"1\n1\n3\n7\n", "0\n0\n5\n5\n", "4\n",
					    "0\n1\n2\n3\n3\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct trace *trace = parse(texts[i]);
		uint64_t n = 0;

		for (uint64_t t = 0; t < 40 * NS_PER_MS; t += NS_PER_MS / 4) {
			while (trace_opportunity(trace, n) < t)
				n++;
			assert_int_equal(trace_find(trace, t), n);
			if (t > 0)
				assert_true(trace_find(trace, t - 1) <= n);
		}
		trace_free(trace);
	}
}

/* The user's mistake in a path would hang the lab or be explained wrongly. */
static void test_load(void **state)
{
	char folder[] = "/tmp/unit-trace.XXXXXX";
	char path[64], pipe[64];
	struct trace *trace = NULL;
	struct err err = {};
	FILE *f;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/trace", folder);
	snprintf(pipe, sizeof(pipe), "%s/pipe", folder);

	assert_int_equal(trace_load(path, &trace, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(trace_load(folder, &trace, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(trace_load(pipe, &trace, &err), -EINVAL);

	f = fopen(path, "we");
	assert_non_null(f);
	fputs("2\n", f);
	fflush(f);
	assert_int_equal(trace_load(path, &trace, &err), 0);
	assert_int_equal(trace->count, 1);
	trace_free(trace);

	trace = NULL;
	fputs("1\n", f);
	fclose(f);
	assert_int_equal(trace_load(path, &trace, &err), -EINVAL);
	assert_null(trace);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(trace_load(path, &trace, &err), -EINVAL);

	unlink(path);
	unlink(pipe);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_endings),   cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_zero_byte),      cmocka_unit_test(test_largest_time),
		cmocka_unit_test(test_too_many_lines), cmocka_unit_test(test_repetition),
		cmocka_unit_test(test_find),           cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
