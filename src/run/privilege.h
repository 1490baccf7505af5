/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program's own privilege (set-user-ID, set-group-ID, file capabilities), which a filter that is
 * loaded without CAP_SYS_ADMIN takes from it: the kernel then wants no_new_privs.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The file that execvp() would start for @program: 0 with its path in @ret, or a negative errno. */
int privilege_find(const char *program, char *ret, size_t size);

/* Would starting @path give a privilege that @uid and @gid do not have? NULL if not; else how, to
 * be said in "PATH is ...". */
const char *privilege_of(const char *path, uid_t uid, gid_t gid);

/* Will a filter that this process loads take such privileges away, where they are not lost already?
 */
bool privilege_taken(void);

/* Has this process the capability @number (CAP_NET_ADMIN, ...)? */
bool privilege_has(unsigned number);

/* Gives up, for good, all capabilities but the @count @numbers, which are kept if they are there. */
int privilege_keep(const unsigned *numbers, unsigned count, struct err *err);
