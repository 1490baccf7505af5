/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdio.h>
#include <unistd.h>

#define SHOW_EACH (200 * NS_PER_MS)

void progress_begin(struct progress *progress, uint64_t total, bool quiet)
{
	*progress = (struct progress){
		.total = total, .began = clock_now(), .off = quiet || !isatty(STDERR_FILENO)};
	progress->shown = progress->began;
}

void progress_at(uint64_t bytes, void *data)
{
	struct progress *progress = data;
	uint64_t now = clock_now(), us = (now - progress->began) / NS_PER_US + 1;
	char size[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX];

	if (progress->off || now - progress->shown < SHOW_EACH)
		return;
	progress->shown = now;
	progress->any = true;
	units_bytes_about(bytes, size);
	units_rate_about((uint64_t)((double)bytes * 8e6 / (double)us), rate);
	if (progress->total)
		fprintf(stderr, "\r\033[K%3u %%  %s  %s", (unsigned)(bytes * 100 / progress->total),
			size, rate);
	else
		fprintf(stderr, "\r\033[K%s  %s", size, rate);
}

void progress_end(struct progress *progress)
{
	if (progress->any)
		fputs("\r\033[K", stderr);
}
