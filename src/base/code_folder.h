/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder in which memory that code is run from may lie, as a machine's does. */
#pragma once

#include "base/err.h"

/* -EACCES: all folders for temporary files are mounted noexec, or nothing can be written there. */
int code_folder_find(const char **ret, struct err *err);
