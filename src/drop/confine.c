/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/confine.h"

#define OURS   "rivulet-task-"
#define WANTED (CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_PIDS))

void confine_prepare(void)
{
	confine_sweep();
	cgroup_prepare(CGROUP_ROOT, NULL, WANTED);
}

void confine_sweep(void)
{
	cgroup_sweep(CGROUP_ROOT, NULL, WANTED, OURS);
}

unsigned confine_make(struct cgroup *ret, uint64_t memory, uint64_t processes)
{
	const struct cgroup_limits limits = {.memory = memory, .processes = processes};
	struct cgroup_tree tree;
	unsigned limited = 0;

	cgroup_find(&tree, CGROUP_ROOT, NULL, WANTED);
	if (cgroup_make(&tree, OURS, ret) < 0)
		return 0;
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((WANTED & CGROUP_BIT(i)) &&
		    cgroup_limit(ret, (enum cgroup_controller)i, &limits) == 0)
			limited |= CGROUP_BIT(i);
	return limited;
}

const char *confine_missing(void)
{
	static const char *const words[] = {"memory and processes", "processes", "memory"};
	struct cgroup cgroup;
	unsigned limited = confine_make(&cgroup, 1u << 20, 1);

	cgroup_remove(&cgroup);
	return limited == WANTED ? NULL
				 : words[limited == 0                          ? 0
					 : limited & CGROUP_BIT(CGROUP_MEMORY) ? 1
									       : 2];
}
