/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that run a cell share: cell.c, cell_*.c. */
#pragma once

#include "assess/cell.h"
#include "assess/emulated.h"
#include "base/cgroup.h"

#define CELL_SAMPLES "samples.jsonl" /* of the lab */
#define CELL_STATS   "stats.json"    /* of the lab */
#define CELL_RUN     EMULATED_RUN    /* the device's summary */
#define CELL_OUTPUT  "output"        /* what was printed */

/* Of the device's control group; what its name begins with. */
#define CELL_CONTROLLERS \
	(CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_ACCOUNT) | CGROUP_BIT(CGROUP_MEMORY))
#define CELL_GROUP "rivulet-assess-"

/* What was seen of the processes from outside. */
struct cell_watched {
	int status;     /* of waitpid(2) */
	bool late;      /* it had to be killed */
	double cpu;     /* s; negative: not known */
	double nobody;  /* s, of the device's processor beside (processor.h); negative: not known */
	double softirq; /* s, of the whole machine */
	uint64_t memory; /* bytes, the most */
	double seconds;  /* in which that was used; 0: until the client's end */
	double cpus; /* of an emulated device: its processor, as a share of one of this machine */
	char note[256]; /* what could not be had, or "" */
};

/* The command line of the lab, a list of strings that ends with NULL; the caller frees with cell_command_free(). @cpu: of cell_cpu(). */
char **cell_command(const struct cell *cell, const struct cell_setup *setup, int cpu,
		    const int *doors, unsigned door_count);
void cell_command_free(char **command);

/* The processor that is the device's alone, all others being for what serves it and for the links; -1: all are everyone's. */
int cell_cpu(const struct profile *profile);

/* From the files of the cell to its record; NULL without memory. */
json_t *cell_record(const struct cell *cell, const struct cell_setup *setup,
		    const struct cell_watched *watched);
