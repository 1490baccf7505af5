/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the versions of control groups do differently; for the files of cgroup.h alone. @folder: that of a group. */
#pragma once

#include "base/cgroup.h"

struct cgroup_ops {
	int version;
	/* Of each controller, as it is called in the tree. NULL: it needs to be asked for by no name. */
	const char *names[CGROUP_CONTROLLERS];
	int (*limit)(const char *folder, enum cgroup_controller controller,
		     const struct cgroup_limits *limits);
	/* Processes that were killed for want of memory. */
	uint64_t (*memory_kills)(const char *folder);
	/* Seconds; negative: it cannot be told. */
	double (*cpu)(const char *folder);
};

extern const struct cgroup_ops cgroup_first, cgroup_second;

int cgroup_write(const char *folder, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The number behind @key in a file of lines "KEY NUMBER"; @key "": the file's only number. -1: there is none. */
int64_t cgroup_read(const char *folder, const char *file, const char *key);
/* The name of a group of this process: @prefix, its ID, and the PID namespace in which it has that. */
void cgroup_name(const char *prefix, char *ret, size_t size);
/* Sends SIGKILL to what is in the group; false: nothing is that we can see. */
bool cgroup_kill_folder(const char *folder);
