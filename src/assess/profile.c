/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/profile.h"

#include "assess/emulated.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"

#include <string.h>

#define PERIOD    (5 * NS_PER_MS)
#define QUOTA_MIN (1 * NS_PER_MS)
#define CPUS_MIN  0.001
#define CPUS_MAX  4096.0

const struct profile profiles[] = {
	{.name = "this"},
	{.name = "phone", .cpus = 1, .memory = 512u << 20},
	{.name = "pi", .cpus = 0.5, .memory = 256u << 20},
	{.name = "low-end", .cpus = 0.1, .memory = 64u << 20},
	{.name = "device", .memory = EMULATED_MEMORY, .emulated = true},
	{{0}},
};

struct profile_quota profile_quota(const struct profile *profile)
{
	struct profile_quota quota = {.period = PERIOD};

	quota.time = (uint64_t)(profile->cpus * PERIOD);
	if (quota.time < QUOTA_MIN) {
		quota.time = QUOTA_MIN;
		quota.period = (uint64_t)(QUOTA_MIN / profile->cpus);
	}
	return quota;
}

static int parse_cpus(const char *text, double *ret, struct err *err)
{
	char *end;
	double value = strtod(text, &end);

	if (strcmp(end, "%") == 0) {
		value /= 100;
		end++;
	}
	/* Written so that NAN fails. */
	if (end == text || *end || !(value >= CPUS_MIN && value <= CPUS_MAX))
		return err_set(err, -EINVAL,
			       "cpu '%s' is no share of a processor: 30%%, or 0.3, or 1.5", text);
	*ret = value;
	return 0;
}

static int parse_limit(const char *text, struct profile *profile, struct err *err)
{
	if (strncmp(text, "cpu=", 4) == 0)
		return parse_cpus(text + 4, &profile->cpus, err);
	if (strncmp(text, "memory=", 7) == 0)
		return units_parse_bytes(text + 7, &profile->memory, err);
	return err_set(err, -EINVAL, "'%s' is no limit: cpu=30%%, memory=128MB", text);
}

static int find(const char *name, struct profile *ret, struct err *err)
{
	for (const struct profile *profile = profiles; profile->name[0]; profile++)
		if (strcmp(profile->name, name) == 0) {
			*ret = *profile;
			return 0;
		}
	return err_set(err, -ENOENT,
		       "there is no profile '%s': this, phone, pi, low-end, device, or one of your "
		       "own as in "
		       "slow:cpu=30%%,memory=128MB",
		       name);
}

int profile_parse(const char *text, struct profile *ret, struct err *err)
{
	size_t length = strcspn(text, ":");
	_cleanup_free_ char *limits = NULL;
	struct profile profile = {{0}};
	char *rest;

	if (!text[length])
		return find(text, ret, err);
	if (length == 0 || length >= sizeof(profile.name) ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
		return err_set(
			err, -EINVAL,
			"profile '%s': its name is lower-case letters, digits and -, up to 31",
			text);
	memcpy(profile.name, text, length);
	for (const struct profile *known = profiles; known->name[0]; known++)
		if (strcmp(known->name, profile.name) == 0)
			return err_set(err, -EEXIST,
				       "profile '%s' is one already: call yours otherwise",
				       profile.name);
	limits = strdup(text + length + 1);
	if (!limits)
		return -ENOMEM;
	rest = limits;
	for (char *limit; (limit = strsep(&rest, ","));) {
		int code = parse_limit(limit, &profile, err);

		if (code < 0)
			return err_prefix(err, code, "profile '%s'", profile.name);
	}
	*ret = profile;
	return 0;
}
