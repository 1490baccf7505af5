/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links as a supervisor sees them: read by itself, and what becomes of each as rivulet-net says. */
#pragma once

#include "link/links.h"
#include "link/rejoin.h"
#include "run/gate.h"
#include "run/net.h"

struct view {
	struct nl *route; /* NETLINK_ROUTE */
	struct links links;
	enum multipath_use *use; /* of each link; owned */
};

int view_open(struct view *view);
void view_close(struct view *view);

/* Reads the links again. Without memory, or if the kernel does not tell them, they stay as they were. */
void view_refresh(struct view *view, const struct net *net);

/* Tells who asks next hops which links could carry connections, and on which these begin. */
void view_tell_gate(const struct view *view, struct gate *gate);
/* Tells who watches over joins which links should carry subflows. */
void view_tell_rejoin(const struct view *view, struct rejoin *rejoin);
