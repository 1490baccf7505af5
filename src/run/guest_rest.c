/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/guest_rest.h"

#include "base/clock.h"
#include "link/diag.h"

#define MOST (10 * NS_PER_S)
#define DEAF 2000 /* ms */

struct rest {
	uint64_t ago; /* ms, since the program's end */
	bool left;
};

/* Sockets that a process has kept are none of the program's. */
static int look(const struct diag_socket *socket, void *data)
{
	struct rest *rest = data;
	bool heard = !socket->unacked || socket->last_ack < DEAF || rest->ago < DEAF;

	if (!socket->inode && socket->state != DIAG_LISTEN && socket->queued > 1 && heard)
		rest->left = true;
	return 0;
}

bool guest_rest_left(struct nl *sockets, uint64_t since, uint64_t now)
{
	struct rest rest = {.ago = (now - since) / NS_PER_MS};

	return sockets && now - since < MOST && diag_dump(sockets, look, &rest) == 0 && rest.left;
}
