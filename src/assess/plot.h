/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plots, drawn by gnuplot(1) as SVG that stands in a page. */
#pragma once

#include "assess/summary.h"

#include <stdbool.h>
#include <stdio.h>

/* Is there a gnuplot? */
bool plot_possible(void);

/* One figure of several groups side by side, with intervals. */
void plot_bars(const struct group *const *groups, unsigned count, const struct figure *figure,
	       FILE *page);
/* Rates over time of the first repetition, with the scenario's events. */
void plot_rates(const struct group *const *groups, unsigned count, FILE *page);
/* The share of delays that is not above so many ms, all repetitions together. */
void plot_delays(const struct group *const *groups, unsigned count, FILE *page);
