/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel, and what surrounds this process, let it do: each thing that one of the stacks or attachments needs. Each is
 * tried, not concluded from a version; trying leaves nothing behind. (What changes the process itself is tried in a child.)
 */
#pragma once

#include "base/err.h"

struct feature {
	const char *name;    /* "user-namespaces" */
	const char *purpose; /* what it is needed for, "to ..." */
	/* 0, or a negative errno and why not, with the one thing that would change it. */
	int (*look)(struct err *why);
};

/* All of them; a row without a name ends them. */
extern const struct feature features[];

/* Looks for the one of that name. */
int feature_look(const char *name, struct err *why);
