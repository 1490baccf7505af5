/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/tally.h"

#define LOST_MAX \
	256 /* connections without subflows, before it is asked which of them there still are */

void tally_saw(struct ledger *ledger, const struct diag_socket *socket)
{
	bool carries = socket->mptcp || socket->bytes_acked || socket->bytes_received;
	struct ledger_connection known;

	if (socket->state == DIAG_LISTEN || socket->state == DIAG_CLOSE ||
	    socket->state == DIAG_SYN_SENT)
		return;
	if (ledger_connection(ledger, socket, &known) ||
	    (socket->inode && carries && ledger_made(ledger, socket->inode) == 0))
		ledger_saw(ledger, socket);
}

static int saw_connection(const struct diag_connection *connection, void *data)
{
	ledger_saw_connection(data, connection->inode);
	return 0;
}

void tally_looked(struct ledger *ledger, struct nl *diag)
{
	ledger_looked(ledger);
	if (ledger_totals(ledger).lost >= LOST_MAX &&
	    diag_dump_connections(diag, saw_connection, ledger) == 0)
		ledger_saw_connections(ledger);
}

static int saw(const struct diag_socket *socket, void *data)
{
	tally_saw(data, socket);
	return 0;
}

void tally_look(struct ledger *ledger, struct nl *diag)
{
	ledger_look(ledger);
	if (diag_dump(diag, saw, ledger) == 0)
		tally_looked(ledger, diag);
}
