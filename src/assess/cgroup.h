/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups for what is measured: a limit on what its processes take, and an account of it. Of version 1, where each
 * controller has a tree of its own, or of version 2.
 */
#pragma once

#include "assess/profile.h"

#include <limits.h>
#include <stdbool.h>

#define CGROUP_ROOT    "/sys/fs/cgroup"
#define CGROUP_FOLDERS 3

struct cgroup {
	int version;
	/* That of the controllers cpu, cpuacct, memory; "" where there is none. With version 2 all in the first. */
	char folder[CGROUP_FOLDERS][PATH_MAX];
};

/* Makes one, named by this process and @name, limited as @profile says, where control groups are mounted (@root:
 * "/sys/fs/cgroup"). -EPERM, ...: none can be had, or not with the limits, and @err says why. The caller removes it. */
int cgroup_make(const char *root, const char *name, const struct profile *profile,
		struct cgroup *ret, struct err *err);
/* When its processes have ended; waits a little for those that are ending. */
void cgroup_remove(struct cgroup *cgroup);
/* Removes those that killed processes have left. */
void cgroup_sweep(const char *root);

/* Descriptors to which a process writes "0" to become a member; how many. The caller closes them. */
unsigned cgroup_doors(const struct cgroup *cgroup, int ret[static CGROUP_FOLDERS]);

/* Seconds of processors that its members have used; negative: it cannot be told. */
double cgroup_cpu(const struct cgroup *cgroup);
/* Bytes of memory that its members have now, a page that several have counted once in all. */
uint64_t cgroup_memory(const struct cgroup *cgroup);
