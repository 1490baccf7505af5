/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line that a run ends with, for people and for machines. */
#pragma once

#include "link/ledger.h"
#include "link/links.h"

#include <stdbool.h>
#include <stdio.h>

struct summary {
	struct ledger_totals totals;
	const struct links *links; /* to name the addresses */
	const char *why_tcp; /* every socket stayed plain TCP, for this reason; NULL: not so */
	unsigned refused;    /* sockets that could not be MPTCP */
	bool open;           /* descendants of the program go on: totals so far */
};

void summary_print(const struct summary *summary, FILE *out);
/* One JSON object on one line. 0 or -ENOMEM, -EIO. */
int summary_print_json(const struct summary *summary, FILE *out);
/* The same into the file @path. Negative errno: words are printed. */
int summary_report(const struct summary *summary, const char *path);

/* Of a stack that is not the host's: what went through its connections. */
struct summary_moved {
	const char *stack;
	uint64_t connections, sent, received;
	const struct summary *seen; /* of its subflows, where it shows them; NULL: it does not */
};

int summary_moved_print_json(const struct summary_moved *moved, FILE *out);
int summary_moved_report(const struct summary_moved *moved, const char *path);
