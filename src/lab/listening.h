/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sockets wait for others in a network namespace: how one sees that a server is up. */
#pragma once

#include "base/netlink.h"

/* Number of TCP sockets that listen, and of UDP sockets that are bound but not connected, in the
 * namespace of @diag (NETLINK_SOCK_DIAG); or a negative errno. */
int listening_count(struct nl *diag);
