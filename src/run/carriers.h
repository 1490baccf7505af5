/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which links have lost their carrier, sooner than the kernel tells.
 *
 * It tells of carriers once a second at most, of all devices together (net/core/link_watch.c): where another one has changed just
 * before, a link that is gone looks well for up to a second. Who asks gets to know at once. So while bytes move over several links the
 * supervisor asks for those that are used, each time it looks at sockets, and says that they do not answer.
 */
#pragma once

#include "base/netlink.h"
#include "link/links.h"
#include "link/multipath.h"

#include <stdbool.h>

#define CARRIERS_MAX 16

struct carriers {
	unsigned lost[CARRIERS_MAX]; /* indexes of devices */
	unsigned count;
};

typedef void (*carriers_act)(unsigned link, bool lost, void *data);

/* Asks over @route (NETLINK_ROUTE) for all links that are in @use, and for those that were lost; tells @act what is different. */
void carriers_look(struct carriers *carriers, struct nl *route, const struct links *links,
		   const enum multipath_use *use, carriers_act act, void *data);
/* Those that are not in @links are gone for good: a link that comes back is another one. */
void carriers_forget(struct carriers *carriers, const struct links *links);
