/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An assessment: the cells of a matrix, one after the other, and what is measured of the machine itself in between. */
#pragma once

#include "assess/matrix.h"
#include "assess/results.h"

/* All borrowed. */
struct assess_options {
	const struct matrix *matrix;
	struct results *results; /* gets the records; open for writing */
	const char *self;        /* the program `rivulet` */
	const char *
		folder; /* absolute: gets a folder for the files of the cell that is measured, and loses it at the end */
	FILE *progress; /* NULL: nobody looks */
};

struct assess_done {
	unsigned planned, had, measured, failed, left; /* cells */
};

/* Says that matrix_plan() found nothing to do. */
int assess_nothing(struct err *err);

/* 0; -EINTR: asked to end by a signal (what was measured is kept); or what went wrong. */
int assess(const struct assess_options *options, struct assess_done *ret, struct err *err);
