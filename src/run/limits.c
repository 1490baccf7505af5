/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/limits.h"

#include <sys/resource.h>

void limits_lift_time(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0 ||
	    setrlimit(RLIMIT_CPU, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_CPU, &limit);
}
