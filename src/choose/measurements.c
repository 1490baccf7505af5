/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/measurements.h"

#include "base/cleanup.h"
#include "choose/trust.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

int names_find(const struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->all[i], name) == 0)
			return (int)i;
	return -ENOENT;
}

int measurements_way(const struct measurements *measurements, const char *stack,
		     const char *protocol)
{
	for (unsigned i = 0; i < measurements->way_count; i++)
		if (strcmp(measurements->ways[i].stack, stack) == 0 &&
		    strcmp(measurements->ways[i].protocol, protocol) == 0)
			return (int)i;
	return -ENOENT;
}

/* The number of one that may be new. */
static int number_name(struct names *names, const char *name, uint8_t *ret)
{
	int number = names_find(names, name);

	if (number < 0) {
		if (names->count == NAMES_MAX)
			return -E2BIG;
		number = (int)names->count++;
		names->all[number] = name;
	}
	*ret = (uint8_t)number;
	return 0;
}

static int number_way(struct measurements *to, const char *stack, const char *protocol,
		      uint8_t *ret)
{
	int number = measurements_way(to, stack, protocol);

	if (number < 0) {
		if (to->way_count == WAYS_MAX)
			return -E2BIG;
		number = (int)to->way_count++;
		to->ways[number] = (struct measured_way){stack, protocol};
	}
	*ret = (uint8_t)number;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct measured *)a)->at, &((const struct measured *)b)->at,
		      sizeof(struct measured_at));
}

const struct measured *measurements_find(const struct measurements *measurements,
					 struct measured_at at)
{
	struct measured like = {.at = at};

	return measurements->count ? bsearch(&like, measurements->all, measurements->count,
					     sizeof(like), compare)
				   : NULL;
}

static const char *text(const json_t *from, const char *name)
{
	return json_string_value(json_object_get(from, name));
}

static bool number(const json_t *from, const char *name, double *ret)
{
	const json_t *value = json_object_get(from, name);

	*ret = json_number_value(value);
	return json_is_number(value) && isfinite(*ret);
}

static int add_figure(struct measurements *to, struct measured_at at, const char *figure,
		      const json_t *stats)
{
	struct measured measured = {.at = at}, *all;
	int code;

	if (!number(stats, "median", &measured.median) || !number(stats, "low", &measured.low) ||
	    !number(stats, "high", &measured.high))
		return -EINVAL;
	number(stats, "n", &measured.n);
	if (!(measured.median > 0))
		return 0;
	code = number_name(&to->figures, figure, &measured.at.figure);
	if (code < 0)
		return code;
	all = realloc(to->all, (to->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	to->all = all;
	all[to->count++] = measured;
	return 0;
}

/* Numbers for what it is of. */
static int number_group(struct measurements *to, const json_t *group, struct measured_at *ret)
{
	const char *scenario = text(group, "scenario"), *workload = text(group, "workload"),
		   *profile = text(group, "profile"), *stack = text(group, "stack"),
		   *protocol = text(group, "protocol");
	int code;

	*ret = (struct measured_at){0};
	if (!scenario || !workload || !profile || !stack || !protocol)
		return -EINVAL;
	code = number_name(&to->scenarios, scenario, &ret->scenario);
	if (code == 0)
		code = number_name(&to->workloads, workload, &ret->workload);
	if (code == 0)
		code = number_name(&to->profiles, profile, &ret->profile);
	if (code == 0)
		code = number_way(to, stack, protocol, &ret->way);
	return code;
}

static int add_group(struct measurements *to, const json_t *group)
{
	json_t *all = json_object_get(group, "figures"), *stats;
	struct measured_at at;
	const char *figure;
	int code;

	if (!json_is_object(all))
		return -EINVAL;
	if (text(group, "link"))
		return 0; /* of one link alone: nothing to choose */
	code = number_group(to, group, &at);
	if (code < 0)
		return code;
	number(group, "cpus", &to->sizes[at.profile].cpus);
	number(group, "memory", &to->sizes[at.profile].memory);
	json_object_foreach(all, figure, stats)
	{
		code = add_figure(to, at, figure, stats);
		if (code < 0)
			return code;
	}
	return 0;
}

/* What is about the same place lies together: only the way, the last of all, is another. */
static void weigh(struct measurements *measurements)
{
	for (unsigned begin = 0, end; begin < measurements->count; begin = end) {
		struct measured *all = &measurements->all[begin];

		for (end = begin + 1; end < measurements->count; end++)
			if (memcmp(&all->at, &measurements->all[end].at,
				   offsetof(struct measured_at, way)) != 0)
				break;
		trust_weigh(all, end - begin);
	}
}

int measurements_from(json_t *summary, struct measurements *ret, struct err *err)
{
	json_t *groups = json_object_get(summary, "groups"), *group;
	struct measurements found = {.document = json_incref(summary)};
	int code = json_is_array(groups) ? 0 : -EINVAL;
	size_t i;

	number(json_object_get(summary, "packet_ns"), "median", &found.packet);
	if (code == 0)
		json_array_foreach(groups, i, group)
		{
			code = add_group(&found, group);
			if (code < 0)
				break;
		}
	if (code < 0) {
		measurements_free(&found);
		if (code == -E2BIG)
			return err_set(err, code,
				       "it is about more than %d scenarios, workloads or profiles, "
				       "or more than %d stacks and protocols",
				       NAMES_MAX, WAYS_MAX);
		return err_set(err, code,
			       "these are no measurements of `rivulet assess` (summary.json)");
	}
	if (found.count)
		qsort(found.all, found.count, sizeof(*found.all), compare);
	weigh(&found);
	*ret = found;
	return 0;
}

int measurements_load(const char *path, struct measurements *ret, struct err *err)
{
	json_error_t why;
	json_t *document;
	int code;

	if (access(path, R_OK) < 0)
		return err_set(err, -errno, "%s cannot be read: %s", path, strerror(errno));
	document = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!document)
		return err_set(err, -EINVAL, "%s:%d: %s", path, why.line, why.text);
	code = measurements_from(document, ret, err);
	json_decref(document);
	return code < 0 ? err_prefix(err, code, "%s", path) : 0;
}

void measurements_free(struct measurements *measurements)
{
	free(measurements->all);
	json_decref(measurements->document);
	*measurements = (struct measurements){0};
}
