/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the files are that belong to this program: its helpers, and the kernels that were built for it. */
#pragma once

#include <limits.h>

/* The path of @name in @path: beside this program, as in a build folder, or where it was installed. -ENOENT: it is not here. */
int installed_find(const char *name, char path[static PATH_MAX]);
