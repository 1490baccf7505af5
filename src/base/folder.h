/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder for what runs of one user share while they live. Nobody else can enter it. */
#pragma once

#include <limits.h>

/* Finds or makes it: $RIVULET_STATE if that is set, else /run/rivulet where that is ours or we may make it (root), else
 * $XDG_RUNTIME_DIR/rivulet, /run/user/UID/rivulet, or /tmp/rivulet-UID. 0, or a negative errno: none of them is a
 * folder that is ours alone. */
int folder_find(char path[static PATH_MAX]);

/* Removes it, if nothing is left in it. */
void folder_leave(const char *path);
