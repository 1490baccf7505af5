/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/decisions.h"

#define VOLUNTEERED     (32u << 20) /* bytes */
#define CARRIED_FOR_ONE 4000        /* bundles that one neighbour can make us carry */

static bool offer(const struct decision_bundle *bundle, const struct decision_neighbour *neighbour)
{
	return bundle->to_neighbour || bundle->to_group || !bundle->destination_is_near;
}

static bool take(const struct decision_bundle *bundle, const struct decision_neighbour *neighbour)
{
	return neighbour->carries_for_it < CARRIED_FOR_ONE;
}

static unsigned window(unsigned hops)
{
	return hops == 0 ? 16 : 64;
}

/* Two more journeys of whoever carries it cost more than a second copy. */
static bool volunteer(unsigned hops, uint64_t size)
{
	return hops > 0 && size <= VOLUNTEERED;
}

const struct decisions decisions_spread = {"spread", offer, take, window, volunteer};
