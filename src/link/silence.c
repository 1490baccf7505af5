/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/silence.h"

#include <stddef.h>

/* @silence->count: it is not among them. */
static unsigned find(const struct silence *silence, unsigned link)
{
	unsigned at = 0;

	while (at < silence->count && silence->links[at] != link)
		at++;
	return at;
}

bool silence_has(const struct silence *silence, unsigned link)
{
	return silence && find(silence, link) < silence->count;
}

bool silence_set(struct silence *silence, unsigned link, bool silent)
{
	unsigned at = find(silence, link);

	if (silent == (at < silence->count) || at == SILENCE_MAX)
		return false;
	if (silent)
		silence->links[silence->count++] = link;
	else
		silence->links[at] = silence->links[--silence->count];
	return true;
}
