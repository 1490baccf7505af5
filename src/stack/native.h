/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stack "native" needs of the host so that its connections use all links. */
#pragma once

#include "base/err.h"
#include "link/links.h"
#include "link/multipath.h"
#include "link/netstack.h"

/* Can MPTCP sockets be made here? 0; -EPROTONOSUPPORT or -ENOPROTOOPT with what that means in @why.
 */
int native_probe(struct err *why);

/* What there is, and what the stack must have of ours so that all usable links carry subflows. */
struct native_plan {
	struct links links;
	struct multipath_plan multipath;
	const struct policy *policy; /* it was planned with; borrowed */
	bool own_path_manager; /* a daemon decides on subflows here: endpoints have no effect */
};

/* What is known beside what the stack says. */
struct native_facts {
	const struct change *ours; /* changes that were made before: they do not count as there */
	unsigned our_count;
	const struct silence *silence; /* NULL: every link answers */
	unsigned base;                 /* multipath.h */
	bool routed;                   /* each link has a table, though there be one only */
	const struct policy *policy;   /* NULL: none */
	bool personal;                 /* multipath.h */
	uint32_t user;
};

/* The caller frees with native_plan_free(). */
int native_plan(struct netstack *netstack, const struct native_facts *facts,
		struct native_plan *ret, struct err *err);
void native_plan_free(struct native_plan *plan);

/* Is a link used otherwise here, by another run or by somebody else's endpoints, than it was
 * planned? 0: no; 1: it is, but nobody asked for anything else; -EBUSY: it is, though the policy
 * speaks of it. @why has the words. @facts->ours are the changes of all live runs, before
 * this one has made any. */
int native_contradiction(struct netstack *netstack, const struct native_facts *facts,
			 const struct native_plan *plan, struct err *why);
