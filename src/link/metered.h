/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On which links bytes cost money, as NetworkManager knows it: somebody ticked it for the network, or it guesses so, as of a
 * phone's hotspot. Asked over D-Bus; where no NetworkManager runs nobody is asked.
 */
#pragma once

#include "link/policy.h"

#include <stdbool.h>

/* Adds for each link that is metered a rule with the source POLICY_MANAGER. Waits for a quarter of a second at most for each
 * answer. What cannot be found out adds nothing. */
void metered_ask(struct policy *policy);

/* Whoever follows what becomes of it. */
struct metered;

/* NULL: there is no bus. The caller closes. */
struct metered *metered_follow(void);
void metered_close(struct metered *metered);
/* Polls readable when something has been said; -1: nothing will be (any more). */
int metered_fd(const struct metered *metered);
/* Hears what has been said. True: it is now otherwise, maybe, and @ret has it as metered_ask() gives it. */
bool metered_hear(struct metered *metered, struct policy *ret);
