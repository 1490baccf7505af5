/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control group of one task: how much memory and how many processes all of it together may have. */
#pragma once

#include "base/cgroup.h"

/* Once, at a node's start: has groups handed down to us. */
void confine_prepare(void);
/* Removes what killed runners have left. */
void confine_sweep(void);
/* Makes one, named by this process. @memory in bytes. Which of CGROUP_MEMORY, CGROUP_PIDS it limits (CGROUP_BIT()); what it does not,
 * each process has to be limited in. The caller removes it, whatever is returned (cgroup_remove()). */
unsigned confine_make(struct cgroup *ret, uint64_t memory, uint64_t processes);
/* What no group can limit here, in words; NULL: nothing. */
const char *confine_missing(void);
