/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stack and protocol would give on a device in a network, from what was measured elsewhere. Pure.
 *
 *   measured there   that figure, as far as it is to be believed (trust.h), which goes for all that follows
 *   else             the figure in the same scenario on another profile, times what the step between the two profiles did in
 *                    other scenarios, to that stack and protocol as far as it is not chance, else to all; the geometric
 *                    mean over the other profiles, near ones first
 *   not there        nothing
 *
 * Over several scenarios, and over several workloads, it is the geometric mean. Where one of them is not known of a way, it
 * counts with what the others give there and how the way compares with them elsewhere: else a stack that was measured only
 * where all are quick would look quick.
 *
 * Processor time per GB is scaled by what a packet costs on this device and on the one that was measured, and goodput cannot
 * be more than the processor's share allows at that price.
 */
#pragma once

#include "choose/application.h"
#include "choose/measurements.h"

#define MODEL_ANY (-1) /* scenario: all that were measured count alike */

struct model_place {
	int scenario;  /* that the network is like: a number, or MODEL_ANY */
	int profile;   /* that the device is like: a number */
	double packet; /* ns that a packet costs here; 0: as where it was measured */
	double cpus;   /* processors' time that there is; 0: plenty */
	bool held_out; /* what was measured in this place itself is not looked at, to judge the rest by it */
	bool as_measured; /* what was measured on this profile counts as it is, even if much of it may be chance */
};

/* A figure of each way there, with @workload, for people: as it was measured if it was; 0: nothing is known. */
void model_figures(const struct measurements *from, const struct model_place *place,
		   const char *workload, const char *figure, double ret[static WAYS_MAX]);

/* How good each way is for @application, by its definition; 0: nothing is known. */
void model_scores(const struct measurements *from, const struct model_place *place,
		  const struct application *application, double ret[static WAYS_MAX]);

/* How much of the processors each way takes with @application's workloads; 0: nothing is known. */
void model_costs(const struct measurements *from, const struct model_place *place,
		 const struct application *application, double ret[static WAYS_MAX]);

/* Which of @count to take: the best by @scores (0: not to be had), or of those that are as good as that, nearly, the one that
 * costs least. What is foreseen is not so exact that a few percent would count, while a stack that takes more of the processor
 * suffers first where there is little of it, and takes the battery everywhere. -ENOENT: there is none. */
int model_best(const double *scores, const double *costs, unsigned count);

/* Of the profiles that were measured, the one like a device with these processors' time, on which a packet costs @packet ns (0: as
 * where it was measured), and memory (bytes; 0: plenty). A processor that is half as quick is half of one. -ENOENT: there are none. */
int model_profile(const struct measurements *from, double packet, double cpus, double memory);
