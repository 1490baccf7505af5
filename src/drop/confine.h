/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control group for one task: how much memory and how many processes all of it together may have. In version 2 where the group of
 * this process was handed over to it (systemd: Delegate=), in version 1 where this is root. Where neither is, there is none.
 */
#pragma once

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct confine {
	char memory[PATH_MAX],
		processes[PATH_MAX]; /* folders; "": none. In version 2 they are the same */
	bool unified;
};

/* In version 2: makes room for groups beside this process's own. Once, at a node's start; and removes what an earlier one left. */
void confine_prepare(void);
/* -EOPNOTSUPP, ...: there can be none. @memory in bytes. */
int confine_make(struct confine *cgroup, const char *name, uint64_t memory, uint64_t processes);
/* Puts this process in. */
int confine_join(const struct confine *cgroup);
/* Was a process killed for want of memory? Was one not started for there were too many? */
bool confine_out_of_memory(const struct confine *cgroup);
bool confine_out_of_processes(const struct confine *cgroup);
/* Kills what is in it, and removes it. */
void confine_remove(struct confine *cgroup);
