/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subflows, in a search tree by cookie. One that is gone is added to its path's totals and forgotten. */
#include "link/ledger_parts.h"

#include "base/cleanup.h"

#include <linux/mptcp.h>
#include <search.h>
#include <string.h>

struct flow {
	uint64_t cookie; /* first member: the key */
	struct ledger_known *connection;
	unsigned path;
	uint64_t sent, received;
	uint32_t retransmitted;
	unsigned look;     /* in which it was last seen */
	struct flow *next; /* of a list of stale ones */
};

static int compare_cookie(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct ledger *ledger_new(void)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (ledger)
		TAILQ_INIT(&ledger->idle);
	if (ledger)
		TAILQ_INIT(&ledger->lost);
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	tdestroy(ledger->flows, free);
	tdestroy(ledger->connections, free);
	free(ledger->paths);
	free(ledger);
}

/* Index of the path with this local address, made if need be; -ENOMEM. */
static int path_find(struct ledger *ledger, const struct address *local)
{
	struct ledger_path *grown;

	for (unsigned i = 0; i < ledger->path_count; i++)
		if (address_equal(&ledger->paths[i].local, local))
			return (int)i;
	grown = reallocarray(ledger->paths, ledger->path_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ledger->paths = grown;
	ledger->paths[ledger->path_count] = (struct ledger_path){.local = *local};
	return (int)ledger->path_count++;
}

/* The kernel's counts only grow; the path's totals follow each subflow's. */
static void flow_count(struct ledger *ledger, struct flow *flow, const struct diag_socket *socket)
{
	struct ledger_path *path = &ledger->paths[flow->path];

	if (socket->bytes_acked > flow->sent) {
		path->sent += socket->bytes_acked - flow->sent;
		flow->sent = socket->bytes_acked;
		ledger->moved = true;
	}
	if (socket->bytes_received > flow->received) {
		path->received += socket->bytes_received - flow->received;
		flow->received = socket->bytes_received;
		ledger->moved = true;
	}
	if (socket->retransmissions > flow->retransmitted) {
		path->retransmitted += socket->retransmissions - flow->retransmitted;
		flow->retransmitted = socket->retransmissions;
	}
}

static void flow_forget(struct ledger *ledger, struct flow *flow)
{
	struct ledger_known *connection = flow->connection;

	connection->sent += flow->sent;
	connection->received += flow->received;
	tdelete(&flow->cookie, &ledger->flows, compare_cookie);
	free(flow);
	if (--connection->flows == 0) {
		ledger->open--;
		ledger_lose(ledger, connection);
	}
}

/* Is the connection plain TCP? Only its first subflow tells: one that asked and was not answered,
 * or one that was accepted from a peer that did not ask. */
static bool is_fallback(const struct diag_socket *socket)
{
	const uint32_t multipath = MPTCP_SUBFLOW_FLAG_MCAP_REM | MPTCP_SUBFLOW_FLAG_JOIN_REM |
				   MPTCP_SUBFLOW_FLAG_JOIN_LOC;

	return !socket->mptcp || !(socket->mptcp_flags & multipath);
}

static bool was_accepted(const struct ledger *ledger, const struct diag_socket *socket)
{
	return ledger->ports[socket->local_port / 8] & 1 << socket->local_port % 8;
}

/* The same, as the first subflow tells wherever it came in: the peer asked for MPTCP, and this end did not. */
static bool was_asked_for(const struct diag_socket *socket)
{
	const uint32_t both = MPTCP_SUBFLOW_FLAG_MCAP_REM | MPTCP_SUBFLOW_FLAG_MCAP_LOC;

	return socket->mptcp && (socket->mptcp_flags & both) == MPTCP_SUBFLOW_FLAG_MCAP_REM;
}

static struct ledger_known *connection_of(struct ledger *ledger, const struct diag_socket *socket)
{
	struct ledger_known *connection = NULL;

	if (socket->inode == 0)
		return NULL;
	connection = ledger_find(ledger, socket->inode);
	if (!connection && was_accepted(ledger, socket)) {
		connection = ledger_add(ledger, socket->inode);
		if (connection)
			connection->accepted = true;
	}
	return connection;
}

/* A connection that was there at an earlier look, and has no subflow by now, is plain TCP. */
static void judge(struct ledger *ledger, struct ledger_known *connection,
		  const struct diag_socket *socket)
{
	if (!connection->doubtful || socket->doubt == DIAG_NOT_TOLD ||
	    (socket->doubt == DIAG_NOT_LISTED && connection->since == ledger->look))
		return;
	connection->doubtful = false;
	connection->fallback = is_fallback(socket);
	ledger->fallback_count += connection->fallback;
}

static int flow_add(struct ledger *ledger, const struct diag_socket *socket)
{
	struct ledger_known *connection = connection_of(ledger, socket);
	_cleanup_free_ struct flow *flow = NULL;
	int path;

	if (!connection)
		return 0;
	path = path_find(ledger, &socket->local);
	flow = calloc(1, sizeof(*flow));
	if (path < 0 || !flow)
		return -ENOMEM;
	*flow = (struct flow){.cookie = socket->cookie,
			      .connection = connection,
			      .path = (unsigned)path,
			      .look = ledger->look};
	if (!tsearch(flow, &ledger->flows, compare_cookie))
		return -ENOMEM;
	ledger_not_idle(ledger, connection);
	if (connection->seen && !connection->listens && connection->flows == 0)
		ledger_regain(ledger, connection);
	if (connection->flows++ == 0)
		ledger->open++;
	if (!connection->seen) {
		connection->seen = connection->doubtful = true;
		connection->accepted = connection->accepted || was_asked_for(socket);
		connection->since = ledger->look;
		ledger->connection_count++;
	}
	judge(ledger, connection, socket);
	ledger->paths[path].subflows++;
	flow_count(ledger, flow, socket);
	flow = NULL; /* the tree's */
	return 0;
}

void ledger_look(struct ledger *ledger)
{
	ledger->look++;
	ledger->moved = false;
	ledger->opening = 0;
	memset(ledger->ports, 0, sizeof(ledger->ports));
}

static void saw_listener(struct ledger *ledger, const struct diag_socket *socket)
{
	struct ledger_known *connection = ledger_find(ledger, socket->inode);

	if (!connection)
		return;
	ledger_not_idle(ledger, connection);
	connection->listens = true;
	ledger->ports[socket->local_port / 8] |= (uint8_t)(1 << socket->local_port % 8);
}

int ledger_saw(struct ledger *ledger, const struct diag_socket *socket)
{
	struct flow **found;

	if (socket->state == DIAG_LISTEN) {
		saw_listener(ledger, socket);
		return 0;
	}
	if (socket->state == DIAG_SYN_SENT)
		ledger->opening += ledger_find(ledger, socket->inode) != NULL;
	if (socket->state == DIAG_SYN_SENT || socket->state == DIAG_CLOSE)
		return 0;
	found = tfind(&socket->cookie, &ledger->flows, compare_cookie);
	if (!found)
		return flow_add(ledger, socket);
	(*found)->look = ledger->look;
	judge(ledger, (*found)->connection, socket);
	flow_count(ledger, *found, socket);
	return 0;
}

struct stale {
	struct flow *first;
	unsigned look;
};

struct closing {
	unsigned count;
	unsigned look;
};

/* Missed by two looks: one may come between a socket's end and the announcement of it. */
static void find_stale(const void *node, VISIT visit, void *data)
{
	struct flow *flow = *(struct flow *const *)node;
	struct stale *stale = data;

	if ((visit != postorder && visit != leaf) || stale->look - flow->look < 2)
		return;
	flow->next = stale->first;
	stale->first = flow;
}

static void count_closing(const void *node, VISIT visit, void *data)
{
	const struct flow *flow = *(struct flow *const *)node;
	struct closing *closing = data;

	if ((visit == postorder || visit == leaf) && closing->look != flow->look)
		closing->count++;
}

bool ledger_looked(struct ledger *ledger)
{
	struct stale stale = {NULL, ledger->look};

	twalk_r(ledger->flows, find_stale, &stale);
	for (struct flow *at = stale.first, *next; at; at = next) {
		next = at->next;
		flow_forget(ledger, at);
	}
	return ledger->moved;
}

bool ledger_gone(struct ledger *ledger, const struct diag_socket *socket)
{
	struct flow **found = tfind(&socket->cookie, &ledger->flows, compare_cookie);

	if (!found)
		return false;
	flow_count(ledger, *found, socket);
	flow_forget(ledger, *found);
	return true;
}

unsigned ledger_closing(const struct ledger *ledger)
{
	struct closing closing = {0, ledger->look};

	twalk_r(ledger->flows, count_closing, &closing);
	return closing.count;
}

bool ledger_connection(const struct ledger *ledger, const struct diag_socket *socket,
		       struct ledger_connection *ret)
{
	struct flow **flow = tfind(&socket->cookie, &ledger->flows, compare_cookie);
	const struct ledger_known *connection = NULL;

	if (socket->state == DIAG_LISTEN || socket->state == DIAG_CLOSE)
		return false;
	if (flow)
		connection = (*flow)->connection;
	else if (socket->inode != 0)
		connection = ledger_find(ledger, socket->inode);
	if (!connection && (socket->inode == 0 || !was_accepted(ledger, socket)))
		return false;
	*ret = (struct ledger_connection){.inode = socket->inode};
	if (connection)
		*ret = (struct ledger_connection){.inode = connection->inode,
						  .fallback = connection->fallback,
						  .doubtful = connection->doubtful,
						  .sent = connection->sent,
						  .received = connection->received};
	if (!connection || !connection->seen) {
		ret->doubtful = socket->doubt != DIAG_NO_DOUBT;
		ret->fallback = socket->state != DIAG_SYN_SENT && is_fallback(socket);
	}
	return true;
}

bool ledger_is_empty(const struct ledger *ledger)
{
	return ledger->connection_count == 0 && ledger->opening == 0 && ledger->idle_count == 0 &&
	       ledger->unseen == 0;
}

struct ledger_totals ledger_totals(const struct ledger *ledger)
{
	return (struct ledger_totals){
		.connections = ledger->connection_count,
		.fallbacks = ledger->fallback_count,
		.open = ledger->open,
		.lost = ledger->lost_count,
		.lost_opened = ledger->lost_opened,
		.opening = ledger->opening,
		.idle = ledger->idle_count,
		.unseen = ledger->unseen + ledger->idle_count,
		.paths = ledger->paths,
		.path_count = ledger->path_count,
	};
}

struct ledger_sum ledger_sum(const struct ledger *ledger)
{
	struct ledger_sum sum = {.connections = ledger->connection_count,
				 .fallbacks = ledger->fallback_count};

	while (sum.path_count < ledger->path_count && sum.path_count < LEDGER_PATHS_MAX) {
		sum.paths[sum.path_count] = ledger->paths[sum.path_count];
		sum.path_count++;
	}
	return sum;
}
