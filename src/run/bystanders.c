/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/bystanders.h"

#include "link/diag.h"
#include "link/multipath.h"

enum { STATE_ESTABLISHED = 1 }; /* include/net/tcp_states.h */

static int keep(const struct diag_socket *socket, void *data)
{
	struct bystanders *b = data;

	if (!socket->mptcp || socket->inode == 0 || socket->state != STATE_ESTABLISHED)
		return 0;
	for (unsigned i = 0; i < b->count; i++)
		if (address_equal(&b->addresses[i], &socket->local))
			return 0;
	if (b->count < BYSTANDERS_MAX)
		b->addresses[b->count++] = socket->local;
	return 0;
}

void bystanders_look(struct bystanders *bystanders, const struct links *links)
{
	_cleanup_nl_ struct nl *nl = NULL;

	*bystanders = (struct bystanders){.links = links};
	if (nl_open(&nl, NETLINK_SOCK_DIAG) < 0 || diag_dump(nl, keep, bystanders) < 0)
		bystanders->count = 0;
}

bool bystanders_need(const struct change *change, void *data)
{
	const struct bystanders *b = data;

	for (unsigned i = 0; i < b->count; i++) {
		const struct link *link = links_by_address(b->links, &b->addresses[i]);

		switch (change->kind) {
		case CHANGE_ENDPOINT:
			if (address_equal(&change->endpoint.address, &b->addresses[i]))
				return true;
			break;
		case CHANGE_RULE:
			if (address_equal(&change->rule.from, &b->addresses[i]))
				return true;
			break;
		case CHANGE_ROUTE:
			if (link && change->route.table == MULTIPATH_TABLE_FIRST + link->index)
				return true;
			break;
		case CHANGE_LIMITS:
		case CHANGE_BACKLOG:
			break;
		}
	}
	return false;
}
