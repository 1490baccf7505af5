/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections, in a search tree by inode. One whose last subflow is gone waits in a list of lost ones, having been counted when it
 * was first seen, until it has a subflow again or the kernel does not know it any more. Sockets that were never seen connected are
 * forgotten in the order of their making once there are many, so that a program that runs for a year costs no more than one that
 * runs for an hour.
 */
#include "link/ledger_parts.h"

#include "base/cleanup.h"

#include <search.h>

#define IDLE_MAX 4096 /* sockets remembered that were not seen connected */

static int compare_inode(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct ledger_known *ledger_find(const struct ledger *ledger, uint32_t inode)
{
	struct ledger_known **found = tfind(&inode, &ledger->connections, compare_inode);

	return found ? *found : NULL;
}

struct ledger_known *ledger_add(struct ledger *ledger, uint32_t inode)
{
	_cleanup_free_ struct ledger_known *made = calloc(1, sizeof(*made));
	struct ledger_known **place;

	if (!made)
		return NULL;
	made->inode = inode;
	place = tsearch(made, &ledger->connections, compare_inode);
	if (!place)
		return NULL;
	if (*place == made) {
		TAILQ_INSERT_TAIL(&ledger->idle, made, link);
		ledger->idle_count++;
		made = NULL;
	}
	return *place;
}

static void forget(struct ledger *ledger, struct ledger_known *connection)
{
	tdelete(&connection->inode, &ledger->connections, compare_inode);
	free(connection);
}

void ledger_not_idle(struct ledger *ledger, struct ledger_known *connection)
{
	if (connection->seen || connection->listens)
		return;
	TAILQ_REMOVE(&ledger->idle, connection, link);
	ledger->idle_count--;
}

void ledger_lose(struct ledger *ledger, struct ledger_known *connection)
{
	if (connection->listens)
		return;
	if (connection->fallback) {
		forget(ledger, connection);
		return;
	}
	connection->look = ledger->look;
	TAILQ_INSERT_TAIL(&ledger->lost, connection, link);
	ledger->lost_count++;
	ledger->lost_opened += !connection->accepted;
}

void ledger_regain(struct ledger *ledger, struct ledger_known *connection)
{
	TAILQ_REMOVE(&ledger->lost, connection, link);
	ledger->lost_count--;
	ledger->lost_opened -= !connection->accepted;
}

int ledger_made(struct ledger *ledger, uint32_t inode)
{
	if (!ledger_add(ledger, inode))
		return -ENOMEM;
	while (ledger->idle_count > IDLE_MAX) {
		struct ledger_known *oldest = TAILQ_FIRST(&ledger->idle);

		TAILQ_REMOVE(&ledger->idle, oldest, link);
		ledger->idle_count--;
		ledger->unseen++;
		forget(ledger, oldest);
	}
	return 0;
}

void ledger_unmade(struct ledger *ledger, uint32_t inode)
{
	struct ledger_known *connection = ledger_find(ledger, inode);

	if (!connection || connection->seen || connection->listens)
		return;
	TAILQ_REMOVE(&ledger->idle, connection, link);
	ledger->idle_count--;
	forget(ledger, connection);
}

void ledger_saw_connection(struct ledger *ledger, uint32_t inode)
{
	struct ledger_known *connection = ledger_find(ledger, inode);

	if (connection)
		connection->look = ledger->look;
}

void ledger_saw_connections(struct ledger *ledger)
{
	struct ledger_known *at = TAILQ_FIRST(&ledger->lost), *next;

	for (; at; at = next) {
		next = TAILQ_NEXT(at, link);
		if (at->look == ledger->look)
			continue;
		ledger_regain(ledger, at);
		forget(ledger, at);
	}
}
