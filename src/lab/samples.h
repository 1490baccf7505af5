/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON lines for plots: what each direction of each link has delivered so far, ten times a second,
 * and each event when it happens.
 */
#pragma once

#include "lab/scenario.h"

#include <stdint.h>

struct samples;
struct traffic;

/* @scenario, @traffic (an element per wire) and the descriptor @fd are borrowed. */
int samples_new(const struct scenario *scenario, const struct traffic *traffic, int fd,
		struct samples **ret);
/* Frees it. 0, or the negative errno of the first line that could not be written. */
int samples_close(struct samples *samples);

/* When, in ns since the start, the next lines should be written. */
uint64_t samples_next(const struct samples *samples);

/* Writes a line for each direction, at @now ns since the start. */
void samples_take(struct samples *samples, uint64_t now);

/* Writes a line for an event that is happening. */
void samples_event(struct samples *samples, const struct scenario_event *event, uint64_t now);
