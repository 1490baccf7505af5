/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast a device says that it is. */
#pragma once

#include <stdint.h>

/* Mbit/s of device @name in the calling thread's network namespace (ethtool); 0 where the driver
 * does not know: radio links seldom do. */
uint32_t speed_read(const char *name);
