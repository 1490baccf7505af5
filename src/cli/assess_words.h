/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From lists of names, as rivulet assess is given them, to the matrix of what is measured. */
#pragma once

#include "assess/matrix.h"

/* What is measured: lists of names with commas between them. */
struct assess_words {
	const char *scenarios, *workloads, *profiles, *protocols;
	const char
		*stacks; /* NULL: all that can run, the others with the reason on standard error */
	bool profiles_named; /* by the user: one that cannot be had is an error */
};

/* What a matrix borrows of its lists; assess_lists_free() and matrix last equally long. */
struct assess_lists {
	char *scenarios, *workloads, *profiles, *stacks, *protocols;
};

/* Adds to @matrix what @words name. Negative errno: something is not known, or too much. */
int assess_words_read(const struct assess_words *words, struct assess_lists *ret,
		      struct matrix *matrix, struct err *err);

/* Also after a failure. */
void assess_lists_free(struct assess_lists *lists, struct matrix *matrix);
