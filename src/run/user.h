/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Under sudo the links are set up with root's rights, but the program is the calling user's: what it writes belongs to
 * that user. */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* Who the caller is is known otherwise than by sudo, exactly so; root: he is nobody else. The environment is his already.
 * @groups is borrowed for good. */
void user_given(uid_t uid, gid_t gid, const gid_t *groups, unsigned count);

/* If the calling process is root by sudo, becomes the user who called sudo, for good: user, groups, and HOME, USER and
 * LOGNAME. 0 also where there is no sudo; a negative errno if it could not be done: then nothing may be started. */
int user_leave_sudo(struct err *err);
