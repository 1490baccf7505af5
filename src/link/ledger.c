/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two search trees: connections by inode, subflows by cookie. A subflow that is gone is added to
 * its path's totals and forgotten; a connection whose last subflow is gone waits in a list of lost ones, having been
 * counted when it was first seen, until it has a subflow again or the kernel does not know it any more. Sockets that were never seen connected are forgotten in the
 * order of their making once there are many, so that a program that runs for a year costs no more
 * than one that runs for an hour.
 */
#include "link/ledger.h"

#include "base/cleanup.h"

#include <linux/mptcp.h>
#include <search.h>
#include <string.h>
#include <sys/queue.h>

#define IDLE_MAX 4096 /* sockets remembered that were not seen connected */

struct connection {
	uint32_t inode; /* first member: the key */
	bool seen, fallback, listens, accepted;
	bool doubtful;  /* whether it fell back is not known */
	unsigned since; /* the look that saw it first */
	unsigned flows;
	unsigned look;           /* in which the kernel last listed it, of those that are lost */
	uint64_t sent, received; /* over flows that are gone */
	TAILQ_ENTRY(connection)
	link; /* idle while neither seen nor listening; lost while seen without flows */
};

struct flow {
	uint64_t cookie; /* first member: the key */
	struct connection *connection;
	unsigned path;
	uint64_t sent, received;
	uint32_t retransmitted;
	unsigned look;     /* in which it was last seen */
	struct flow *next; /* of a list of stale ones */
};

struct ledger {
	void *connections, *flows; /* trees of tsearch(3) */
	TAILQ_HEAD(, connection) idle, lost;
	unsigned idle_count, open, unseen, lost_count, lost_opened;
	unsigned connection_count, fallback_count;
	struct ledger_path *paths;
	unsigned path_count;
	unsigned look, opening;
	bool moved;               /* bytes were counted in this look */
	uint8_t ports[65536 / 8]; /* on which sockets of the run listen, as of this look */
};

static int compare_inode(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

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

static struct connection *connection_find(const struct ledger *ledger, uint32_t inode)
{
	struct connection **found = tfind(&inode, &ledger->connections, compare_inode);

	return found ? *found : NULL;
}

static struct connection *connection_add(struct ledger *ledger, uint32_t inode)
{
	_cleanup_free_ struct connection *made = calloc(1, sizeof(*made));
	struct connection **place;

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

static void connection_forget(struct ledger *ledger, struct connection *connection)
{
	tdelete(&connection->inode, &ledger->connections, compare_inode);
	free(connection);
}

/* It turned out to be of use: not to be dropped for its age. */
static void not_idle(struct ledger *ledger, struct connection *connection)
{
	if (connection->seen || connection->listens)
		return;
	TAILQ_REMOVE(&ledger->idle, connection, link);
	ledger->idle_count--;
}

/* It has lost its last subflow. */
static void lose(struct ledger *ledger, struct connection *connection)
{
	if (connection->listens)
		return;
	if (connection->fallback) {
		connection_forget(ledger, connection);
		return;
	}
	connection->look = ledger->look;
	TAILQ_INSERT_TAIL(&ledger->lost, connection, link);
	ledger->lost_count++;
	ledger->lost_opened += !connection->accepted;
}

static void find_again(struct ledger *ledger, struct connection *connection)
{
	TAILQ_REMOVE(&ledger->lost, connection, link);
	ledger->lost_count--;
	ledger->lost_opened -= !connection->accepted;
}

int ledger_made(struct ledger *ledger, uint32_t inode)
{
	if (!connection_add(ledger, inode))
		return -ENOMEM;
	while (ledger->idle_count > IDLE_MAX) {
		struct connection *oldest = TAILQ_FIRST(&ledger->idle);

		TAILQ_REMOVE(&ledger->idle, oldest, link);
		ledger->idle_count--;
		ledger->unseen++;
		connection_forget(ledger, oldest);
	}
	return 0;
}

void ledger_unmade(struct ledger *ledger, uint32_t inode)
{
	struct connection *connection = connection_find(ledger, inode);

	if (!connection || connection->seen || connection->listens)
		return;
	TAILQ_REMOVE(&ledger->idle, connection, link);
	ledger->idle_count--;
	connection_forget(ledger, connection);
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
	struct connection *connection = flow->connection;

	connection->sent += flow->sent;
	connection->received += flow->received;
	tdelete(&flow->cookie, &ledger->flows, compare_cookie);
	free(flow);
	if (--connection->flows == 0) {
		ledger->open--;
		lose(ledger, connection);
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

static struct connection *connection_of(struct ledger *ledger, const struct diag_socket *socket)
{
	struct connection *connection = NULL;

	if (socket->inode == 0)
		return NULL;
	connection = connection_find(ledger, socket->inode);
	if (!connection && was_accepted(ledger, socket)) {
		connection = connection_add(ledger, socket->inode);
		if (connection)
			connection->accepted = true;
	}
	return connection;
}

/* A connection that was there at an earlier look, and has no subflow by now, is plain TCP. */
static void judge(struct ledger *ledger, struct connection *connection,
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
	struct connection *connection = connection_of(ledger, socket);
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
	not_idle(ledger, connection);
	if (connection->seen && !connection->listens && connection->flows == 0)
		find_again(ledger, connection);
	if (connection->flows++ == 0)
		ledger->open++;
	if (!connection->seen) {
		connection->seen = connection->doubtful = true;
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
	struct connection *connection = connection_find(ledger, socket->inode);

	if (!connection)
		return;
	not_idle(ledger, connection);
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
		ledger->opening += connection_find(ledger, socket->inode) != NULL;
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

void ledger_saw_connection(struct ledger *ledger, uint32_t inode)
{
	struct connection *connection = connection_find(ledger, inode);

	if (connection)
		connection->look = ledger->look;
}

void ledger_saw_connections(struct ledger *ledger)
{
	struct connection *at = TAILQ_FIRST(&ledger->lost), *next;

	for (; at; at = next) {
		next = TAILQ_NEXT(at, link);
		if (at->look == ledger->look)
			continue;
		find_again(ledger, at);
		connection_forget(ledger, at);
	}
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
	const struct connection *connection = NULL;

	if (socket->state == DIAG_LISTEN || socket->state == DIAG_CLOSE)
		return false;
	if (flow)
		connection = (*flow)->connection;
	else if (socket->inode != 0)
		connection = connection_find(ledger, socket->inode);
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
