// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's clocks. The kernel asks for them first of all, and counts its own ticks until it has a clock that can be read: of what
 * passes until then it loses up to all. So the host is asked for the time of day again when there is one. The monotonic clock
 * cannot be set, and stays behind the host's by that, a few milliseconds. It is later than a kernel that ended before this one began ever
 * had it all the same, which is what TCP timestamps need (net/ipv4/rivulet_stamps.c).
 */
#include <linux/init.h>
#include <linux/timekeeping.h>
#include <os.h>

void __init read_persistent_wall_and_boot_offset(struct timespec64 *ret_today,
						 struct timespec64 *ret_now)
{
	read_persistent_clock64(ret_today);
	*ret_now = ns_to_timespec64(os_nsecs());
}

static int __init set_clock(void)
{
	struct timespec64 now;

	read_persistent_clock64(&now);
	return do_settimeofday64(&now);
}
late_initcall(set_clock);
