/* SPDX-License-Identifier: GPL-2.0-only */
/* What `rivulet status` shows of the kernel's connections, and what all that there were amount to. */
#pragma once

#include "link/ledger.h"
#include "lkl/network.h"
#include "stack/stack.h"

/* A descriptor of memory, the caller's, with the subflows, @most of them, struct stack_subflow each. @diag: of the kernel,
 * NETLINK_SOCK_DIAG. What it sees is added to @ledger. */
int sight_take(const struct network *network, struct nl *diag, struct ledger *ledger, unsigned most,
	       struct lkl_sight *ret);
