/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Under sudo the links are set up with root's rights, but the program is the calling user's: what it writes belongs to
 * that user. */
#pragma once

#include "base/err.h"

/* If the calling process is root by sudo, becomes the user who called sudo, for good: user, groups, and HOME, USER and
 * LOGNAME. 0 also where there is no sudo; a negative errno if it could not be done: then nothing may be started. */
int user_leave_sudo(struct err *err);
