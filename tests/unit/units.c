/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities: what people write is what they get, and nothing half-understood is let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"

#include <string.h>

typedef int (*parse_fn)(const char *text, uint64_t *ret, struct err *err);

static void is(parse_fn parse, const char *text, uint64_t expected)
{
	struct err err = {0};
	uint64_t value = 4711;

	if (parse(text, &value, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (value != expected)
		fail_msg("%s: got %llu", text, (unsigned long long)value);
}

static void refused(parse_fn parse, const char *text, int code)
{
	struct err err = {0};
	uint64_t value = 4711;

	if (parse(text, &value, &err) != code)
		fail_msg("'%s' should be refused with %d (got %llu)", text, code,
			 (unsigned long long)value);
	assert_int_equal(value, 4711);
	assert_true(err.text[0]);
	parse(text, &value, NULL);
}

/* A misread unit would give a link a thousand times too fast, and results nobody can trust. */
static void reads_units(void **state)
{
	is(units_parse_rate, "50mbit", 50000000);
	is(units_parse_rate, "1.5gbit", 1500000000);
	is(units_parse_rate, "800kbit", 800000);
	is(units_parse_rate, "1bit", 1);
	is(units_parse_rate, "0050.500mbit", 50500000);
	is(units_parse_time, "5ms", 5000000);
	is(units_parse_time, "2.5s", 2500000000);
	is(units_parse_time, "100us", 100000);
	is(units_parse_time, "1min", 60000000000);
	is(units_parse_time, "12.000000001s", 12000000001);
	is(units_parse_time, "0", 0);
	is(units_parse_time, "0ms", 0);
	is(units_parse_bytes, "64kB", 64000);
	is(units_parse_bytes, "1MB", 1000000);
	is(units_parse_bytes, "64KiB", 65536);
	is(units_parse_bytes, "1500", 1500);
	is(units_parse_bytes, "1500B", 1500);
	is(units_parse_count, "200", 200);
	is(units_parse_count, "0", 0);
	is(units_parse_count, "18446744073709551614", UINT64_MAX - 1);
}

/* Something that is guessed at instead of refused is a wrong experiment. */
static void refuses_the_rest(void **state)
{
	static const char *const never[] = {
		"",        "mbit",    "-1mbit",
		"+1mbit",  " 1mbit",  "1mbit ",
		"1 mbit",  "1e3mbit", "nan",
		"inf",     "0x10",    ".5mbit",
		"5.mbit",  "1,5mbit", "1mb",
		"1mbit/s", "1Mbit",   "1.2.3s",
		"5mss",    "%",       "0.0000000000000000000001s",
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		refused(units_parse_rate, never[i], -EINVAL);
		refused(units_parse_time, never[i], -EINVAL);
		refused(units_parse_bytes, never[i], -EINVAL);
		refused(units_parse_count, never[i], -EINVAL);
	}
	refused(units_parse_rate, "50", -EINVAL);
	refused(units_parse_time, "5", -EINVAL);
	refused(units_parse_count, "1.5", -EINVAL);
	refused(units_parse_count, "5ms", -EINVAL);
	refused(units_parse_bytes, "0.5B", -EINVAL);
	refused(units_parse_time, "1.5ns", -EINVAL);
	refused(units_parse_count, "9999999999999999999999", -ERANGE);
	refused(units_parse_rate, "99999999999gbit", -ERANGE);
	refused(units_parse_time, "99999999999min", -ERANGE);
}

/* "loss: 1" must not silently become 100 %. */
static void reads_shares(void **state)
{
	static const char *const bad[] = {"1",   "1.0", "50",  "101%", "100.1%", "-1%",
					  "1%%", "1 %", "nan", "",     "%",      "1e-3"};
	struct err err;
	double share = 0;

	assert_int_equal(units_parse_share("1%", &share, &err), 0);
	assert_float_equal(share, 0.01, 1e-12);
	assert_int_equal(units_parse_share("0.01", &share, &err), 0);
	assert_float_equal(share, 0.01, 1e-12);
	assert_int_equal(units_parse_share("0.5%", &share, &err), 0);
	assert_float_equal(share, 0.005, 1e-12);
	assert_int_equal(units_parse_share("100%", &share, &err), 0);
	assert_float_equal(share, 1, 0);
	assert_int_equal(units_parse_share("0", &share, &err), 0);
	assert_float_equal(share, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (units_parse_share(bad[i], &share, &err) >= 0)
			fail_msg("'%s' should be refused", bad[i]);
}

/* `lab show` prints these: what it prints must be what was meant, and can be pasted back. */
static void writes_what_it_reads(void **state)
{
	static const uint64_t values[] = {0,          1,          999,         1000,     1500,
					  50000000,   1500000000, 2500000000,  12345678, 65536,
					  UINT32_MAX, 1000000001, 60000000000, 125000};
	char text[UNITS_TEXT_MAX];

	assert_string_equal(units_rate_text(50000000, text), "50mbit");
	assert_string_equal(units_rate_text(1500000000, text), "1.5gbit");
	assert_string_equal(units_time_text(5000000, text), "5ms");
	assert_string_equal(units_time_text(2500000000, text), "2.5s");
	assert_string_equal(units_time_text(0, text), "0ns");
	assert_string_equal(units_time_text(1000000001, text), "1.000000001s");
	assert_string_equal(units_bytes_text(125000, text), "125kB");
	assert_string_equal(units_bytes_text(24 << 20, text), "24MiB");
	assert_string_equal(units_bytes_text(65536, text), "64KiB");
	assert_string_equal(units_bytes_text(0, text), "0B");
	assert_string_equal(units_share_text(0.01, text), "1%");
	assert_string_equal(units_share_text(0.07, text), "7%");
	assert_string_equal(units_share_text(0.005, text), "0.5%");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		is(units_parse_rate, units_rate_text(values[i], text), values[i]);
		is(units_parse_time, units_time_text(values[i], text), values[i]);
		is(units_parse_bytes, units_bytes_text(values[i], text), values[i]);
	}
}

/* Tables for people would be hard to read, or wrong by a factor at a unit's border. */
static void writes_about(void **state)
{
	char text[UNITS_TEXT_MAX];

	assert_string_equal(units_bytes_about(0, text), "0 B");
	assert_string_equal(units_bytes_about(999, text), "999 B");
	assert_string_equal(units_bytes_about(1000, text), "1.0 kB");
	assert_string_equal(units_bytes_about(999949, text), "999.9 kB");
	assert_string_equal(units_bytes_about(999950, text), "1.0 MB");
	assert_string_equal(units_rate_about(50000000, text), "50.0 Mbit/s");
	assert_string_equal(units_rate_about(UINT64_MAX, text), "18446744.1 Tbit/s");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_units),  cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(reads_shares), cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(writes_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
