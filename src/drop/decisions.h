/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node does with what it may do: the one table of decisions. Pure functions: they are told what is known, and answer. Another
 * policy is another row.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A bundle that is carried. */
struct decision_bundle {
	const char *destination;   /* its endpoint */
	uint64_t size, held, left; /* bytes; how long it is here, and has to live, ms */
	bool to_neighbour, to_group;
	bool destination_is_near; /* a contact with it is open */
};

struct decision_neighbour {
	const char *node;
	uint64_t rate;           /* bytes/s that were last seen; 0: not known */
	unsigned carries_for_it; /* bundles that we carry and it gave */
};

struct decisions {
	const char *name;
	/* Is @bundle offered to the neighbour? */
	bool (*offer)(const struct decision_bundle *bundle,
		      const struct decision_neighbour *neighbour);
	/* Is a bundle that the neighbour offers taken, to be carried on or kept? */
	bool (*take)(const struct decision_bundle *bundle,
		     const struct decision_neighbour *neighbour);
	/* How many pieces of an object may be asked of a holder before they arrive; @hops: 0: it is near. */
	unsigned (*window)(unsigned hops);
	/* Somebody @hops nodes away asks for an object of @size bytes that is here: is it sent at once, for want of
	 * another meeting? */
	bool (*volunteer)(unsigned hops, uint64_t size);
};

/* Everything goes to everybody who may bring it nearer, straight to whom it is for where that is near. */
extern const struct decisions decisions_spread;
