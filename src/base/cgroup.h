/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups: a limit on what some processes take together, and an account of it. In version 1 each controller has a tree of
 * its own, in version 2 one tree has all; both may be mounted, and then each controller is in one of them. What differs is a table
 * of operations, one row for each version (cgroup_ops.h).
 *
 * Groups are made below this process's own, where it may: as root, or where systemd has handed it over (Delegate=). In version 2 a
 * group that has processes hands no controllers down, so this process moves into a leaf first (cgroup_prepare()); where others are
 * in its group as well, as in a session's, root makes groups at the top of the tree.
 */
#pragma once

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_ACCOUNT, /* of processors' time; version 2 keeps it in every group */
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CONTROLLERS
};
#define CGROUP_BIT(controller) (1u << (controller))

struct cgroup_limits {
	uint64_t cpu_time, cpu_period; /* ns: so much time of each period */
	uint64_t memory;               /* bytes */
	uint64_t processes;
};

struct cgroup_ops;

/* Where groups can be made. */
struct cgroup_tree {
	struct cgroup_place {
		const struct cgroup_ops *ops; /* NULL: nowhere, for this controller */
		char folder[PATH_MAX];
	} places[CGROUP_CONTROLLERS];
};

/* A group: a folder for each tree that has some of its controllers. */
struct cgroup {
	struct cgroup_part {
		const struct cgroup_ops *ops;
		unsigned controllers; /* CGROUP_BIT() */
		char folder[PATH_MAX];
	} parts[CGROUP_CONTROLLERS];
	unsigned count; /* 0: there is none */
};

/* The path of the control group in @text (/proc/self/cgroup): that of version 2, or of @controller in version 1. Writes it
 * into @ret and returns the version; 0: there is none. Pure. */
int cgroup_path(const char *text, const char *controller, char *ret, size_t size);

/* Version 2: has the controllers @wanted (CGROUP_BIT()) handed down to groups of ours. Once, at a program's start. @root: where control
 * groups are mounted, CGROUP_ROOT; @own: what /proc/self/cgroup says; NULL: it is read. */
void cgroup_prepare(const char *root, const char *own, unsigned wanted);
/* Finds where groups with the controllers @wanted can be made; changes nothing. */
void cgroup_find(struct cgroup_tree *ret, const char *root, const char *own, unsigned wanted);
/* Removes groups that processes have left which were killed: of those that cgroup_make() named by @prefix and a process that is no
 * more. What still runs in one is killed. */
void cgroup_sweep(const char *root, const char *own, unsigned wanted, const char *prefix);

/* Makes a group with what of the tree's controllers can be had, named by @prefix and this process, which has one of that prefix at most.
 * -EOPNOTSUPP: with none; -EACCES, ... The caller removes it. */
int cgroup_make(const struct cgroup_tree *tree, const char *prefix, struct cgroup *ret);
/* Kills what is in it, and removes it; waits a little for those that are ending. */
void cgroup_remove(struct cgroup *cgroup);
/* Kills what is in it. */
void cgroup_kill(const struct cgroup *cgroup);

/* -EOPNOTSUPP: the group has no such controller. */
int cgroup_limit(const struct cgroup *cgroup, enum cgroup_controller controller,
		 const struct cgroup_limits *limits);

/* Puts this process in. */
int cgroup_join(const struct cgroup *cgroup);
/* Descriptors to which a process writes "0" to become a member, inherited by what is started; how many. The caller closes them. */
unsigned cgroup_doors(const struct cgroup *cgroup, int ret[static CGROUP_CONTROLLERS]);

/* Was a process killed for want of memory? Was one not started for there were too many? */
bool cgroup_out_of_memory(const struct cgroup *cgroup);
bool cgroup_out_of_processes(const struct cgroup *cgroup);
/* Seconds of processors that its members have used; negative: it cannot be told. */
double cgroup_cpu(const struct cgroup *cgroup);
/* Bytes of memory that its members have now, a page that several have counted once in all. */
uint64_t cgroup_memory(const struct cgroup *cgroup);
