/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notices that links, addresses or routes have changed; links_read() then says how. */
#pragma once

#include "base/netlink.h"

#include <stdbool.h>

/* Opens a watch on the calling thread's network namespace; poll nl_fd() of it. */
int watch_open(struct nl **ret);

/* Reads what has arrived. True if anything changed that was not our own doing (or if messages were
 * lost: then anything may have). */
bool watch_changed(struct nl *nl);
/* The same; @gone is told of each link that has gone: should one of the same index and name be there, it is another one. */
typedef void (*watch_gone)(unsigned index, void *data);
bool watch_changed_or_gone(struct nl *nl, watch_gone gone, void *data);
