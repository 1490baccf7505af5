/* SPDX-License-Identifier: GPL-2.0-only */
/* What `rivulet status` shows of the kernel's connections. */
#pragma once

#include "lkl/network.h"
#include "stack/stack.h"

/* A descriptor of memory, the caller's, with the subflows, @most of them, struct stack_subflow each. @diag: of the kernel,
 * NETLINK_SOCK_DIAG. */
int sight_take(const struct network *network, struct nl *diag, unsigned most,
	       struct lkl_sight *ret);
