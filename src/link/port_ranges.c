/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apart from port.c, for whoever only has such ranges. */
#include "link/port.h"

bool port_ranges_have(const struct port_ranges *ranges, uint16_t port)
{
	for (unsigned i = 0; i < ranges->count; i++)
		if (port >= ranges->all[i].first && port <= ranges->all[i].last)
			return true;
	return false;
}
