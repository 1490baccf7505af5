/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole numbers that the kernel prints in its files, such as those under /proc/sys. */
#pragma once

#include <stdint.h>

/* The first @count numbers of @text, separated by blanks; -EPROTO: there are fewer, or something else. @ret is written only on
 * success. */
int numbers_parse(const char *text, uint64_t *ret, unsigned count);

/* The first @count numbers of the file @path, separated by blanks. A negative errno: it cannot be read; -EPROTO: there are
 * fewer, or something else. @ret is written only on success. */
int numbers_read(const char *path, uint64_t *ret, unsigned count);
