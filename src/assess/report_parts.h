/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the report share: report*.c. */
#pragma once

#include "assess/report.h"
#include "assess/summary.h"

#include <stdio.h>

struct page {
	const struct summary *summary;
	FILE *out;
	bool plots; /* gnuplot is there */
};

/* Groups that a section is about. */
#define PAGE_GROUPS 64

/* Text as HTML. */
void page_text(const struct page *page, const char *text);
/* The groups of @scenario, @workload and @profile, single links included or not; how many, PAGE_GROUPS at most. */
unsigned page_groups(const struct page *page, const struct group *like, bool links,
		     const struct group *ret[static PAGE_GROUPS]);
/* The first group of each combination of scenario, workload and profile, in order: NULL after the last; @at begins with 0. */
const struct group *page_next(const struct page *page, unsigned *at);

/* The two questions, answered. */
void page_answers(const struct page *page);
/* A section for each scenario. */
void page_scenarios(const struct page *page);
/* The machine, what failed, what was not limited, how to do it again. */
void page_machine(const struct page *page);
void page_failures(const struct page *page);
void page_method(const struct page *page);
