// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time of day. The kernel asks the host for it first of all, and counts its own ticks until it has a clock that can be read: of what
 * passes until then it loses up to all. So the host is asked again when there is one.
 */
#include <linux/init.h>
#include <linux/timekeeping.h>

static int __init set_clock(void)
{
	struct timespec64 now;

	read_persistent_clock64(&now);
	return do_settimeofday64(&now);
}
late_initcall(set_clock);
