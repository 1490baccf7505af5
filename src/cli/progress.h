/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line on the terminal that says how far something long is; nothing where standard error is none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t total; /* bytes; 0: not known */
	uint64_t began, shown;
	bool off, any;
};

void progress_begin(struct progress *progress, uint64_t total, bool quiet);
/* @data is the struct progress. */
void progress_at(uint64_t bytes, void *data);
void progress_end(struct progress *progress);
