/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's connections amount to (link/ledger.h), for the summary of a run. All are the stack's, but those that only ask whether
 * a link is alive (paths.h), which carry nothing. It is shown what the looks at the paths see, and there is one more before a
 * connection ends, where there are not so many that it would cost more than it tells: what has ended since the last look is
 * not seen any more.
 */
#pragma once

#include "base/netlink.h"
#include "link/ledger.h"

/* A look at all sockets: ledger_look(), each of them, and the end. @diag: of the kernel, NETLINK_SOCK_DIAG. */
void tally_saw(struct ledger *ledger, const struct diag_socket *socket);
void tally_looked(struct ledger *ledger, struct nl *diag);
/* All of that. */
void tally_look(struct ledger *ledger, struct nl *diag);
