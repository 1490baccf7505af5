/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/pace.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

#define BAR   24
#define TRUST (20 * NS_PER_S) /* the estimate counts as much as so much of experience */

uint64_t pace_expect(const struct pace *pace, uint64_t planned)
{
	double factor = (double)(pace->taken + TRUST) / (double)(pace->planned + TRUST);

	return (uint64_t)((double)planned * factor);
}

void pace_show(const struct pace *pace, const char *what)
{
	unsigned seconds = (unsigned)(pace_expect(pace, pace->left) / NS_PER_S);
	unsigned filled = pace->all ? BAR * pace->done / pace->all : BAR;
	char bar[BAR + 1];

	memset(bar, '.', BAR);
	memset(bar, '#', filled);
	bar[BAR] = 0;
	if (isatty(fileno(pace->out)))
		fprintf(pace->out, "\r\033[K[%s] %u/%u, %u:%02u left: %.60s", bar, pace->done,
			pace->all, seconds / 60, seconds % 60, what);
	else
		fprintf(pace->out, "%u/%u, %u:%02u left: %s\n", pace->done, pace->all, seconds / 60,
			seconds % 60, what);
	fflush(pace->out);
}

void pace_step(struct pace *pace, uint64_t planned, uint64_t taken)
{
	pace->done++;
	pace->planned += planned;
	pace->taken += taken;
	pace->left -= planned < pace->left ? planned : pace->left;
}

void pace_clear(const struct pace *pace)
{
	if (isatty(fileno(pace->out)))
		fputs("\r\033[K", pace->out);
	fflush(pace->out);
}
