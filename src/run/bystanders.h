/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of other programs that live on what a run has set up: it is not taken away from under
 * them. */
#pragma once

#include "link/change.h"
#include "link/links.h"

#include <stdbool.h>

#define BYSTANDERS_MAX 32

struct bystanders {
	struct address addresses[BYSTANDERS_MAX]; /* that MPTCP subflows are on */
	unsigned count;
	const struct links *links;
};

/* Looks at all MPTCP subflows that some process holds; call it when no process of the run is left.
 * On failure there are none. */
void bystanders_look(struct bystanders *bystanders, const struct links *links);

/* Would taking @change back cut one of them off? As a journal_in_use, @data is the struct
 * bystanders. */
bool bystanders_need(const struct change *change, void *data);
