/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/units.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS_MAX 18 /* of a fraction: fits 64 bits */

struct unit {
	const char *name;
	uint64_t size;
};

/* A kind of quantity. Units rise; powers of 1024 come last, so that texts prefer the others where they are as short. */
struct scale {
	const char *what, *expected;
	const struct unit *units;
	size_t count;      /* units that are read */
	size_t text_count; /* units that are written */
};

static const struct unit rate_units[] = {
	{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};
static const struct unit time_units[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000}};
static const struct unit bytes_units[] = {{"B", 1},           {"kB", 1000},    {"MB", 1000000},
					  {"GB", 1000000000}, {"", 1},         {"KiB", 1 << 10},
					  {"MiB", 1 << 20},   {"GiB", 1 << 30}};
static const struct unit count_units[] = {{"", 1}};

static const struct scale rate_scale = {"rate", "a number with bit, kbit, mbit or gbit: 50mbit",
					rate_units, ARRAY_SIZE(rate_units), 4};
static const struct scale time_scale = {"time", "a number with ns, us, ms, s or min: 2.5s",
					time_units, ARRAY_SIZE(time_units), 4};
static const struct scale bytes_scale = {"size",
					 "a number with B, kB, MB, GB, KiB, MiB or GiB: 64kB",
					 bytes_units, ARRAY_SIZE(bytes_units), 4};
static const struct scale count_scale = {"whole number", "digits only: 200", count_units, 1, 1};

/* "12.5" split into 12, and 5 of 10^1; trailing zeros of the fraction say nothing. */
struct decimal {
	uint64_t whole, fraction, power;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the number at the head of @text: the rest of it, or NULL where there is none, or its
 * fraction is longer than any quantity needs. A whole part that is too large becomes UINT64_MAX. */
static const char *decimal_parse(const char *text, struct decimal *ret)
{
	struct decimal d = {.power = 1};
	const char *end;
	bool saturated = false;

	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (__builtin_mul_overflow(d.whole, 10, &d.whole) ||
		    __builtin_add_overflow(d.whole, digit, &d.whole))
			saturated = true;
	}
	if (saturated)
		d.whole = UINT64_MAX;
	if (*text == '.') {
		const char *start = ++text;

		while (is_digit(*text))
			text++;
		if (text == start)
			return NULL;
		for (end = text; end > start && end[-1] == '0';)
			end--;
		if (end - start > DIGITS_MAX)
			return NULL;
		for (; start < end; start++) {
			d.fraction = d.fraction * 10 + (uint64_t)(*start - '0');
			d.power *= 10;
		}
	}
	*ret = d;
	return text;
}

static int not_a(const struct scale *scale, const char *text, struct err *err)
{
	return err_set(err, -EINVAL, "'%.40s' is not a %s (expected %s)", text, scale->what,
		       scale->expected);
}

static int scale_parse(const struct scale *scale, const char *text, uint64_t *ret, struct err *err)
{
	struct decimal d;
	const char *name = decimal_parse(text, &d);
	unsigned __int128 value, part;

	if (!name)
		return not_a(scale, text, err);
	for (size_t i = 0; i < scale->count; i++) {
		if (strcmp(scale->units[i].name, name) != 0)
			continue;
		part = (unsigned __int128)d.fraction * scale->units[i].size;
		if (part % d.power)
			return err_set(err, -EINVAL, "'%.40s' is finer than 1%s", text,
				       scale->units[0].name);
		value = (unsigned __int128)d.whole * scale->units[i].size + part / d.power;
		if (d.whole == UINT64_MAX || value > UINT64_MAX)
			return err_set(err, -ERANGE, "'%.40s' is too large", text);
		*ret = (uint64_t)value;
		return 0;
	}
	return not_a(scale, text, err);
}

int units_parse_rate(const char *text, uint64_t *ret, struct err *err)
{
	return scale_parse(&rate_scale, text, ret, err);
}

int units_parse_time(const char *text, uint64_t *ret, struct err *err)
{
	if (strcmp(text, "0") == 0) {
		*ret = 0;
		return 0;
	}
	return scale_parse(&time_scale, text, ret, err);
}

int units_parse_bytes(const char *text, uint64_t *ret, struct err *err)
{
	return scale_parse(&bytes_scale, text, ret, err);
}

int units_parse_count(const char *text, uint64_t *ret, struct err *err)
{
	return scale_parse(&count_scale, text, ret, err);
}

int units_parse_share(const char *text, double *ret, struct err *err)
{
	static const struct scale scale = {"share", "a percentage: 1%, or a number below 1: 0.01"};
	struct decimal d;
	const char *rest = decimal_parse(text, &d);
	bool percent;
	double value;

	if (!rest || (*rest && strcmp(rest, "%") != 0))
		return not_a(&scale, text, err);
	percent = *rest == '%';
	if (!percent && d.whole)
		return err_set(err, -EINVAL, "'%.40s' is not a share: write %.40s%% or 100%%", text,
			       text);
	if (d.whole > 100 || (d.whole == 100 && d.fraction))
		return err_set(err, -ERANGE, "'%.40s' is more than 100%%", text);
	value = (double)d.whole + (double)d.fraction / (double)d.power;
	*ret = percent ? value / 100 : value;
	return 0;
}

static const char *scale_text(const struct scale *scale, uint64_t value,
			      char text[static UNITS_TEXT_MAX])
{
	const struct unit *unit = &scale->units[0];
	uint64_t rest;
	int width = 0, used;

	for (size_t i = 1; i < scale->text_count; i++)
		if (value >= scale->units[i].size)
			unit = &scale->units[i];
	for (uint64_t size = unit->size; size > 1; size /= 10)
		width++;
	used = snprintf(text, UNITS_TEXT_MAX, "%" PRIu64, value / unit->size);
	rest = value % unit->size;
	if (rest) {
		used += snprintf(text + used, UNITS_TEXT_MAX - (size_t)used, ".%0*" PRIu64, width,
				 rest);
		while (text[used - 1] == '0')
			used--;
	}
	snprintf(text + used, UNITS_TEXT_MAX - (size_t)used, "%s", unit->name);
	return text;
}

const char *units_rate_text(uint64_t rate, char text[static UNITS_TEXT_MAX])
{
	return scale_text(&rate_scale, rate, text);
}

const char *units_time_text(uint64_t ns, char text[static UNITS_TEXT_MAX])
{
	return scale_text(&time_scale, ns, text);
}

const char *units_bytes_text(uint64_t bytes, char text[static UNITS_TEXT_MAX])
{
	char whole[UNITS_TEXT_MAX];

	scale_text(&bytes_scale, bytes, text);
	for (size_t i = bytes_scale.text_count; i < bytes_scale.count; i++) {
		const struct unit *unit = &bytes_units[i];

		if (unit->size == 1 || bytes % unit->size)
			continue;
		snprintf(whole, sizeof(whole), "%" PRIu64 "%s", bytes / unit->size, unit->name);
		if (strlen(whole) < strlen(text))
			memcpy(text, whole, sizeof(whole));
	}
	return text;
}

const char *units_share_text(double share, char text[static UNITS_TEXT_MAX])
{
	snprintf(text, UNITS_TEXT_MAX, "%.10g%%", share * 100);
	return text;
}

static const char *about(double value, const char *unit, char text[static UNITS_TEXT_MAX])
{
	static const char *const steps[] = {"", "k", "M", "G", "T"};
	unsigned step = 0;

	while (value >= 999.95 && step < ARRAY_SIZE(steps) - 1) {
		value /= 1000;
		step++;
	}
	snprintf(text, UNITS_TEXT_MAX, step ? "%.1f %s%s" : "%.0f %s%s", value, steps[step], unit);
	return text;
}

const char *units_bytes_about(uint64_t bytes, char text[static UNITS_TEXT_MAX])
{
	return about((double)bytes, "B", text);
}

const char *units_rate_about(uint64_t rate, char text[static UNITS_TEXT_MAX])
{
	return about((double)rate, "bit/s", text);
}
