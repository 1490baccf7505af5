/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records put together: a group is what differs in nothing but the round, that is the repetition and the seed. Pure. Ratios are
 * of what was measured in the same round (stats_paired()).
 */
#pragma once

#include "assess/figure.h"
#include "assess/stats.h"

#include <jansson.h>

/* Texts belong to the records, which have to outlive it. */
struct group {
	const char *scenario, *workload, *profile, *stack, *protocol;
	const char *link;       /* TCP over this one alone; NULL: as it came */
	const json_t **records; /* that are of use; owned */
	unsigned count;
};

struct summary {
	struct group *groups; /* in the order in which they first came; owned */
	unsigned count;
	const json_t **failed; /* records that say why; owned */
	unsigned failed_count;
	const json_t **calibrations; /* owned */
	unsigned calibration_count;
};

/* From an array of records (results_check()); -ENOMEM. The caller frees with summary_free(). */
int summary_make(const json_t *records, struct summary *ret);
void summary_free(struct summary *summary);

/* NULL: there is none. @link NULL: none. */
const struct group *summary_find(const struct summary *summary, const struct group *like);

struct stats summary_stats(const struct group *group, const char *figure);
struct stats summary_ratio(const struct group *above, const struct group *below,
			   const char *figure);

/* The goodput of @group / the sum of plain TCP's over each link alone, of the same scenario, workload and profile; n = 0:
 * that was not measured. */
struct stats summary_share(const struct summary *summary, const struct group *group);

/* What the machine's own speed did meanwhile: spread of a figure of the calibrations. */
struct stats summary_noise(const struct summary *summary, const char *figure);

/* A ratio of @figure in words: better, worse, or no difference that the interval shows. */
enum verdict { VERDICT_SAME, VERDICT_BETTER, VERDICT_WORSE };
enum verdict summary_verdict(const struct figure *figure, const struct stats *ratio);

/* All of it for machines. The caller frees. */
json_t *summary_describe(const struct summary *summary);
