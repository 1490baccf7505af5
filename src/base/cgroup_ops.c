/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cgroup_ops.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

int cgroup_write(const char *folder, const char *file, const char *fmt, ...)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], text[128];
	va_list args;
	int size;

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	va_start(args, fmt);
	size = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, (size_t)size) == size ? 0 : -errno;
}

int64_t cgroup_read(const char *folder, const char *file, const char *key)
{
	char path[PATH_MAX], line[256];
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size = strlen(key);

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -1;
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream)) {
		char *from = line + size, *end;
		int64_t value;

		if (strncmp(line, key, size) != 0 || (size && *from != ' '))
			continue;
		value = strtoll(from, &end, 10);
		if (end != from)
			return value;
	}
	return -1;
}

static int limit_processes(const char *folder, const struct cgroup_limits *limits)
{
	return cgroup_write(folder, "pids.max", "%llu", (unsigned long long)limits->processes);
}

static uint64_t kills_in(const char *folder, const char *file)
{
	int64_t kills = cgroup_read(folder, file, "oom_kill");

	return kills > 0 ? (uint64_t)kills : 0;
}

static int limit_first(const char *folder, enum cgroup_controller controller,
		       const struct cgroup_limits *limits)
{
	int code = -EOPNOTSUPP;

	switch (controller) {
	case CGROUP_CPU:
		code = cgroup_write(folder, "cpu.cfs_period_us", "%llu",
				    limits->cpu_period / NS_PER_US);
		return code < 0 ? code
				: cgroup_write(folder, "cpu.cfs_quota_us", "%llu",
					       limits->cpu_time / NS_PER_US);
	case CGROUP_MEMORY:
		code = cgroup_write(folder, "memory.limit_in_bytes", "%llu",
				    (unsigned long long)limits->memory);
		/* Where swap is counted; else what does not fit may go there. */
		if (code == 0)
			cgroup_write(folder, "memory.memsw.limit_in_bytes", "%llu",
				     (unsigned long long)limits->memory);
		return code;
	case CGROUP_PIDS:
		return limit_processes(folder, limits);
	default:
		return code;
	}
}

static uint64_t kills_first(const char *folder)
{
	return kills_in(folder, "memory.oom_control");
}

static double cpu_first(const char *folder)
{
	int64_t used = cgroup_read(folder, "cpuacct.usage", "");

	return used < 0 ? -1 : (double)used / 1e9;
}

static int limit_second(const char *folder, enum cgroup_controller controller,
			const struct cgroup_limits *limits)
{
	int code = -EOPNOTSUPP;

	switch (controller) {
	case CGROUP_CPU:
		return cgroup_write(folder, "cpu.max", "%llu %llu", limits->cpu_time / NS_PER_US,
				    limits->cpu_period / NS_PER_US);
	case CGROUP_MEMORY:
		code = cgroup_write(folder, "memory.max", "%llu",
				    (unsigned long long)limits->memory);
		if (code == 0)
			cgroup_write(folder, "memory.swap.max", "0");
		return code;
	case CGROUP_PIDS:
		return limit_processes(folder, limits);
	default:
		return code;
	}
}

static uint64_t kills_second(const char *folder)
{
	return kills_in(folder, "memory.events");
}

static double cpu_second(const char *folder)
{
	int64_t used = cgroup_read(folder, "cpu.stat", "usage_usec");

	return used < 0 ? -1 : (double)used / 1e6;
}

const struct cgroup_ops cgroup_first = {
	.version = 1,
	.names = {"cpu", "cpuacct", "memory", "pids"},
	.limit = limit_first,
	.memory_kills = kills_first,
	.cpu = cpu_first,
};

const struct cgroup_ops cgroup_second = {
	.version = 2,
	.names = {"cpu", NULL, "memory", "pids"},
	.limit = limit_second,
	.memory_kills = kills_second,
	.cpu = cpu_second,
};
