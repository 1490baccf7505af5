/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a connection from this machine. */
#pragma once

#include "base/netlink.h"

#include <sys/types.h>

/* The user who holds the other end of @fd, an AF_UNIX or a TCP connection. @diag is a NETLINK_SOCK_DIAG socket. -ESRCH: nobody
 * here holds it (any more). */
int peer_user(int fd, struct nl *diag, uid_t *ret);
