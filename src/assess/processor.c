/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/processor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/numbers.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BY_TICKS  "/proc/stat"
#define BY_SWITCH "/proc/schedstat" /* of tasks: where the kernel has it */
#define BY_GROUPS \
	"/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu" /* the same, version 1 of control groups */
#define ARE_APART "/proc/pressure/irq" /* is there where interrupts' time is kept apart */
#define QUEUES    "/sys/class/net/*/queues/rx-*/rps_cpus"

enum column {
	IDLE = 3,
	IOWAIT,
	IRQ,
	SOFTIRQ,
	COLUMNS
};                /* of /proc/stat, after user, nice, system */
#define RUNNING 6 /* the column of /proc/schedstat, of ns */

/* The first @count numbers in the line of @cpu. */
static int read_columns(const char *path, unsigned cpu, uint64_t *ret, unsigned count)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256], name[32];

	snprintf(name, sizeof(name), "cpu%u ", cpu);
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			return numbers_parse(line + strlen(name), ret, count);
	return -EPROTO;
}

/* The number of @cpu in a line with one for each. */
static int read_place(const char *path, unsigned cpu, uint64_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	char *at, *end;

	if (!file || getline(&line, &size, file) < 0)
		return -EPROTO;
	at = line;
	for (unsigned i = 0; i <= cpu; i++, at = end) {
		*ret = strtoull(at, &end, 10);
		if (end == at)
			return -EPROTO;
	}
	return 0;
}

static double tasks_of(unsigned cpu)
{
	uint64_t columns[RUNNING + 1], ns;

	if (read_columns(BY_SWITCH, cpu, columns, RUNNING + 1) == 0)
		return (double)columns[RUNNING] / NS_PER_S;
	return read_place(BY_GROUPS, cpu, &ns) == 0 ? (double)ns / NS_PER_S : -1;
}

int processor_read(unsigned cpu, struct processor *ret)
{
	double tick = (double)sysconf(_SC_CLK_TCK);
	uint64_t ticks[COLUMNS];
	int code = read_columns(BY_TICKS, cpu, ticks, COLUMNS);

	if (code < 0)
		return code;
	*ret = (struct processor){
		.now = (double)clock_now() / NS_PER_S,
		.idle = (double)(ticks[IDLE] + ticks[IOWAIT]) / tick,
		.tasks = tasks_of(cpu),
		.interrupts = (double)(ticks[IRQ] + ticks[SOFTIRQ]) / tick,
		.apart = access(ARE_APART, F_OK) == 0,
	};
	return 0;
}

double processor_of_nobody(const struct processor *from, const struct processor *to)
{
	double nobody = to->now - from->now - (to->idle - from->idle) - (to->tasks - from->tasks);

	if (from->apart && to->apart)
		return to->interrupts - from->interrupts;
	if (from->tasks < 0 || to->tasks < 0)
		return -1;
	/* Its parts are not looked at in the same moment, and idleness in hundredths of a second. */
	return nobody > 0 ? nobody : 0;
}

void processor_attract(unsigned cpu)
{
	glob_t queues;

	if (glob(QUEUES, 0, NULL, &queues) != 0)
		return;
	for (size_t i = 0; i < queues.gl_pathc; i++) {
		_cleanup_fclose_ FILE *file = fopen(queues.gl_pathv[i], "we");

		/* A bit for each processor, in words of 32 with commas between them. */
		if (file)
			fprintf(file, "%x", 1u << cpu % 32);
		for (unsigned word = 0; file && word < cpu / 32; word++)
			fputs(",00000000", file);
	}
	globfree(&queues);
}
