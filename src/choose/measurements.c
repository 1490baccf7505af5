/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "choose/measurements.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

static int add(struct measurements *to, const struct measured *measured)
{
	struct measured *all = realloc(to->all, (to->count + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	to->all = all;
	all[to->count++] = *measured;
	return 0;
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

static int add_group(struct measurements *to, const json_t *group)
{
	struct measured measured = {
		.scenario = text(group, "scenario"),
		.workload = text(group, "workload"),
		.profile = text(group, "profile"),
		.stack = text(group, "stack"),
		.protocol = text(group, "protocol"),
	};
	json_t *stats;
	int code = 0;

	number(group, "cpus", &measured.cpus);
	number(group, "memory", &measured.memory);
	if (!measured.scenario || !measured.workload || !measured.profile || !measured.stack ||
	    !measured.protocol || !json_is_object(json_object_get(group, "figures")))
		return -EINVAL;
	if (text(group, "link"))
		return 0; /* of one link alone: nothing to choose */
	json_object_foreach(json_object_get(group, "figures"), measured.figure, stats)
	{
		if (!number(stats, "median", &measured.median) ||
		    !number(stats, "low", &measured.low) || !number(stats, "high", &measured.high))
			return -EINVAL;
		number(stats, "n", &measured.n);
		if (measured.median > 0)
			code = add(to, &measured);
		if (code < 0)
			return code;
	}
	return 0;
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
		return err_set(err, code,
			       "these are no measurements of `rivulet assess` (summary.json)");
	}
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
