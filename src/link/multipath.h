/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a network stack is set up so that every usable link carries a subflow. Pure: from what is
 * there to a list of changes.
 *
 * For each usable link and address family:
 *  - a routing table of its own with what the main table knows of the link (its networks, its
 *    gateways), and for every network that is reached over some other device that is up but no usable
 *    link (a container bridge, a VPN) a "throw", which sends the search back to the main table;
 *  - for each of its addresses a rule "from ADDRESS lookup TABLE", just before the main table's, so
 *    that any rule of the user's comes first;
 *  - for each of its addresses, up to what the kernel takes, an MPTCP endpoint with the flag subflow,
 *    bound to the device, and with the flag backup if that is what the link is for.
 * And the limit of subflows is raised to the number of those endpoints.
 *
 * The link that connections begin on (the base) needs no endpoint for its subflow, and has none as
 * long as it is well: a connection whose other subflows are closed with their endpoints, because a run
 * ends or is killed, goes on over the base. Once it was out it has an endpoint as the others have, so
 * that connections come back to it.
 *
 * If the link of the best default route is silent, a rule leads everything that is not bound to an address to the table
 * of a link that is not, so that new connections and look-ups of names begin there. If the word that it is silent is that
 * of one user only, it is that user's traffic only.
 *
 * A backup that is alone carries everything, so no flag depends on whether other links work: to
 * change it would close the subflows over the only link that is left.
 *
 * An excluded link's addresses get endpoints with the flag backup alone: no subflow is opened over
 * it, and nobody else can add an endpoint that would. A connection begins on the link of the best
 * default route, which is everyone's and is not changed even if that link is excluded; by this flag
 * the connection sends no more over it as soon as it has another subflow.
 *
 * A link that has no default route leads to neighbours alone. Where the policy wants them it is used as the others are: its endpoint is
 * bound to it, and the kernel takes an address that no route on it leads to for one that is on it, so that a peer that is on several
 * links is found on each by any of its addresses. Its networks are thrown back by the tables of the others.
 *
 * Endpoints are a network namespace's, not a run's: what is there already can contradict a policy. That the base is used, which has none,
 * is told by its rules, so there are some as soon as two links are up, be one of them excluded.
 */
#pragma once

#include "link/change.h"
#include "link/links.h"
#include "link/policy.h"
#include "link/silence.h"

#include <stdbool.h>

#define MULTIPATH_PRIORITY    32100       /* of our rules: before main (32766), after the user's */
#define MULTIPATH_DETOUR      32101       /* of the rule that leads around a silent link */
#define MULTIPATH_TABLE_FIRST 0x52560000u /* "RV": our table of a device is this plus its index */

/* Why a link is used for subflows, or not. */
enum multipath_use {
	MULTIPATH_USED,
	MULTIPATH_DOWN,
	MULTIPATH_NO_ADDRESS,
	MULTIPATH_NO_GATEWAY,
	MULTIPATH_NOT_A_LINK,   /* loopback, bridge, dummy, ... */
	MULTIPATH_TUNNEL,       /* it runs over another link */
	MULTIPATH_POLICY,       /* it is not to be used */
	MULTIPATH_SILENT,       /* usable, but it does not answer: no endpoint for now */
	MULTIPATH_BEHIND_TUNNEL /* a VPN has the default route: what goes elsewhere would leak
				   around it */
};
/* In words for a person, to follow "not used: ". */
extern const char *const multipath_use_text[];

/* What is known before planning. */
struct multipath_state {
	const struct links *links;
	const struct policy *policy; /* NULL: none */
	/* Endpoints and limits as they would be without us. */
	const struct endpoint *endpoints;
	unsigned endpoint_count;
	struct endpoint_limits limits;
	bool path_manager; /* the stack has MPTCP endpoints; else only routes are planned */
	const struct silence *silence; /* NULL: every link answers */
	unsigned base; /* link that connections begin on and that has no endpoint; 0: none */
	bool routed;   /* there are tables and rules of ours: keep them though only one link is left
		      */
	bool personal; /* what leads around a silent link is for @user alone */
	uint32_t user;
};

struct multipath_plan {
	struct change *changes; /* in order; owned, free with multipath_plan_free() */
	unsigned count;
	enum multipath_use *use; /* one for each link of links->all; owned */
	unsigned used;           /* how many are MULTIPATH_USED */
};

/* Do connections begin on @link: has it the best default route of a family? */
bool multipath_begins_on(const struct links *links, const struct link *link);

/* -ENOMEM, or 0. */
int multipath_plan(const struct multipath_state *state, struct multipath_plan *ret);
void multipath_plan_free(struct multipath_plan *plan);

/* The first of the @count endpoints of a stack by which a link would be used otherwise than
 * @policy (may be NULL) and @use, as planned for @links, say; NULL if there is none. */
const struct endpoint *multipath_contradiction(const struct links *links,
					       const struct policy *policy,
					       const enum multipath_use *use,
					       const struct endpoint *endpoints, unsigned count);
