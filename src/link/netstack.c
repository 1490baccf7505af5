/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/netstack.h"

#include <linux/mptcp.h>

int netstack_open_host(struct netstack *ret)
{
	struct netstack stack = {0};
	int err = nl_open(&stack.route, NETLINK_ROUTE);

	if (err == 0)
		err = nl_open(&stack.generic, NETLINK_GENERIC);
	if (err < 0) {
		netstack_close(&stack);
		return err;
	}
	if (nl_family(stack.generic, MPTCP_PM_NAME, NULL, &stack.mptcp, NULL) < 0)
		stack.mptcp = 0;
	*ret = stack;
	return 0;
}

void netstack_close(struct netstack *stack)
{
	nl_close(stack->route);
	nl_close(stack->generic);
	*stack = (struct netstack){0};
}
