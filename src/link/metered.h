/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On which links bytes cost money, as NetworkManager knows it: somebody ticked it for the network, or it guesses so, as of a
 * phone's hotspot. Asked over D-Bus; where no NetworkManager runs nobody is asked.
 */
#pragma once

#include "link/policy.h"

/* Adds for each link that is metered a rule with the source POLICY_MANAGER. Waits for a quarter of a second at most for each
 * answer. What cannot be found out adds nothing. */
void metered_ask(struct policy *policy);
