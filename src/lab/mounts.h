/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes of a lab find in the file system: that of the machine, except for three places.
 * All in a mount namespace of the lab's own; nothing of it is visible outside.
 */
#pragma once

#include "base/err.h"

/* Cuts the calling process's (new) mount namespace off from the others, so that no mount gets out.
 */
int mounts_separate(struct err *err);

/* Mounts a /proc that shows the lab's processes. */
int mounts_proc(struct err *err);

/* Makes /etc/hosts read as @text. */
int mounts_names(const char *text, struct err *err);

/* Gives the lab a /dev/shm of its own, for what its programs share with each other and not with the
 * world outside: it goes with the lab. */
int mounts_shared_memory(struct err *err);

/* Gives the calling process a mount namespace of its own, with a /sys that shows the devices of its
 * network namespace. */
int mounts_sys(struct err *err);
