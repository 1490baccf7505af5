/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which start of the host's kernel this is. */
#pragma once

#define BOOT_ID_DIGITS 32

/* Hexadecimal digits and a 0: the same ones for everybody on this host until it is booted again; chance, so that nobody elsewhere can
 * guess them. A negative errno: /proc does not say. */
int boot_id(char ret[static BOOT_ID_DIGITS + 1]);
