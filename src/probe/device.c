/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/device.h"

#include "base/cgroup.h"
#include "base/cleanup.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>

#define TEXT_MAX 65536

/* The whole of a small file, "" if it cannot be read. */
static void read_text(const char *path, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	size_t got = file ? fread(ret, 1, size - 1, file) : 0;

	ret[got] = 0;
}

void device_field(const char *text, const char *key, char *ret, unsigned size)
{
	size_t length = strlen(key);

	ret[0] = 0;
	for (const char *line = text; *line; line += *line == '\n') {
		size_t end = strcspn(line, "\n"), at = length;

		if (strncmp(line, key, length) == 0) {
			at += strspn(line + at, " \t");
			if (line[at] == ':') {
				at++;
				at += strspn(line + at, " \t");
				if (at > end)
					at = end; /* an empty value */
				snprintf(ret, size, "%.*s", (int)(end - at), line + at);
				return;
			}
		}
		line += end;
	}
}

double device_cpu_share(const char *text)
{
	char *end;
	double quota = strtod(text, &end), period = strtod(end, &end);

	return quota > 0 && period > 0 ? quota / period : 0;
}

/* Calls @each with the text of @file in the control group at @path and in all above it. */
static void climb(const char *root, char *path, const char *file,
		  void (*each)(const char *text, struct device *ret), struct device *ret)
{
	for (;;) {
		char name[PATH_MAX + 64], text[128];
		char *slash = strrchr(path, '/');

		snprintf(name, sizeof(name), "%s%s/%s", root, path, file);
		read_text(name, text, sizeof(text));
		if (text[0])
			each(text, ret);
		if (!slash)
			return;
		*slash = 0;
	}
}

static void bound_memory(const char *text, struct device *ret)
{
	char *end;
	uint64_t bytes = strtoull(text, &end, 10);

	/* Version 1 says "no limit" by a number that nobody has. */
	if (end != text && bytes < ret->memory_limit && bytes < ret->memory)
		ret->memory_limit = bytes;
}

static void bound_share(const char *text, struct device *ret)
{
	double share = device_cpu_share(text);

	if (share > 0 && (ret->cpu_share == 0 || share < ret->cpu_share))
		ret->cpu_share = share;
}

/* Version 1 has them in two files. */
static void read_quota(const char *path, struct device *ret)
{
	char name[PATH_MAX + 64], quota[64], period[64], both[130];

	snprintf(name, sizeof(name), "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path);
	read_text(name, quota, sizeof(quota));
	snprintf(name, sizeof(name), "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", path);
	read_text(name, period, sizeof(period));
	snprintf(both, sizeof(both), "%s %s", quota, period);
	bound_share(both, ret);
}

static void read_limits(struct device *ret)
{
	char text[TEXT_MAX], path[PATH_MAX];

	read_text("/proc/self/cgroup", text, sizeof(text));
	ret->memory_limit = DEVICE_UNLIMITED;
	ret->cgroup = cgroup_path(text, "memory", path, sizeof(path));
	if (ret->cgroup == 2)
		climb("/sys/fs/cgroup", path, "memory.max", bound_memory, ret);
	else if (ret->cgroup == 1)
		climb("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", bound_memory, ret);
	switch (cgroup_path(text, "cpu", path, sizeof(path))) {
	case 2:
		climb("/sys/fs/cgroup", path, "cpu.max", bound_share, ret);
		break;
	case 1:
		read_quota(path, ret);
		break;
	}
}

static uint64_t read_memory(const char *text, const char *key)
{
	char value[64];

	device_field(text, key, value, sizeof(value));
	return strtoull(value, NULL, 10) * 1024; /* it counts in "kB" that are KiB */
}

static void read_cpu(char *ret, unsigned size)
{
	/* Each architecture has a word of its own for it. */
	static const char *const keys[] = {"model name", "Model", "Hardware",
					   "cpu model",  "cpu",   "uarch"};
	char text[TEXT_MAX];

	ret[0] = 0;
	read_text("/proc/cpuinfo", text, sizeof(text));
	for (unsigned i = 0; i < ARRAY_SIZE(keys) && !ret[0]; i++)
		device_field(text, keys[i], ret, size);
}

void device_read(struct device *ret)
{
	struct utsname names;
	cpu_set_t usable;
	char text[TEXT_MAX];

	*ret = (struct device){0};
	if (uname(&names) == 0) {
		snprintf(ret->machine, sizeof(ret->machine), "%s", names.machine);
		snprintf(ret->system, sizeof(ret->system), "%s", names.sysname);
		snprintf(ret->release, sizeof(ret->release), "%s", names.release);
	}
	read_cpu(ret->cpu, sizeof(ret->cpu));
	ret->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	ret->usable_cpus = sched_getaffinity(0, sizeof(usable), &usable) == 0
				   ? (unsigned)CPU_COUNT(&usable)
				   : ret->cpus;
	read_text("/proc/meminfo", text, sizeof(text));
	ret->memory = read_memory(text, "MemTotal");
	ret->memory_free = read_memory(text, "MemAvailable");
	read_limits(ret);
}
