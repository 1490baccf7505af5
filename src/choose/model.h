/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stack and protocol would give on a device in a network, from what was measured elsewhere. Pure.
 *
 *   measured there   that figure
 *   else             the figure in the same scenario on another profile, times what the step between the two profiles did in
 *                    other scenarios, to that stack and protocol as far as it is not chance, else to all; the geometric
 *                    mean over the other profiles, near ones first
 *   not there        the same over all scenarios
 *
 * Processor time per GB is scaled by what a packet costs on this device and on the one that was measured, and goodput cannot
 * be more than the processor's share allows at that price.
 */
#pragma once

#include "choose/application.h"
#include "choose/measurements.h"

struct model_place {
	const char *scenario; /* that the network is like; NULL: any, the geometric mean of all */
	const char *profile;  /* that the device is like */
	double packet;        /* ns that a packet costs here; 0: as where it was measured */
	double cpus;          /* processors' time that there is; 0: plenty */
	bool held_out; /* what was measured in this place itself is not looked at, to judge the rest by it */
};

/* A figure of @stack and @protocol with @workload there; 0: nothing is known. */
double model_figure(const struct measurements *from, const struct model_place *place,
		    const char *stack, const char *protocol, const char *workload,
		    const char *figure);

/* How good that is for @application, by its definition; 0: nothing is known. */
double model_score(const struct measurements *from, const struct model_place *place,
		   const char *stack, const char *protocol, const struct application *application);

/* Of the profiles that were measured, the one like a device with these processors' time and memory (bytes; 0: plenty): the
 * name of one of @from's, or NULL. */
const char *model_profile(const struct measurements *from, double cpus, double memory);
