/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of what was measured is to be believed. Some figures hang on whether one packet more was lost: their intervals are
 * wide, the order of stacks in them is chance, and what follows from that order is worth nothing. How wide intervals are says
 * how far apart chance alone would put the stacks and protocols of a place. What of their distances is left is real; each
 * figure is drawn to the mean of all as far as it may be chance, by the share of it that is (James and Stein, as in model.h).
 */
#pragma once

#include "choose/measurements.h"

/* Sets @likely of what is about one figure, workload, scenario and profile: @count ways. */
void trust_weigh(struct measured *all, unsigned count);
