/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/lookout.h"

#include "base/clock.h"
#include "link/diag.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define LOOK_SOON  (5 * NS_PER_MS)
#define LOOK_SHARE 50
#define PAUSE_MAX  (NS_PER_S / 2) /* what a look seems to cost may have been somebody else's */
/* Where many sockets come and go, what is missed of them is worth less than the time of those who wait for theirs. */
#define CROWD       200
#define CROWD_SHARE 200
/* The kernel is spared to tell of their ends until the next look, when some of them become known. */
#define STRANGERS_MANY 16
#define SETTLE         (100 * NS_PER_MS)

int lookout_open(struct lookout *lookout)
{
	*lookout = (struct lookout){.next = UINT64_MAX, .interval = MONITOR_PAUSE_BUSY};
	lookout->ledger = ledger_new();
	lookout->monitor = monitor_new();
	if (!lookout->ledger || !lookout->monitor)
		return -ENOMEM;
	if (nl_open(&lookout->diag, NETLINK_SOCK_DIAG) < 0)
		lookout->diag = NULL;
	subflows_open(&lookout->subflows, lookout->diag);
	if (diag_watch(&lookout->gone) < 0)
		lookout->gone = NULL;
	return 0;
}

void lookout_close(struct lookout *lookout)
{
	ledger_free(lookout->ledger);
	monitor_free(lookout->monitor);
	subflows_close(&lookout->subflows);
	nl_close(lookout->diag);
	nl_close(lookout->gone);
}

struct pass {
	struct lookout *lookout;
	const struct links *links;
};

static void keep_peer(struct lookout *lookout, unsigned link, const struct diag_socket *socket)
{
	unsigned at = 0;

	while (at < LOOKOUT_PEERS && lookout->peers[at].link && lookout->peers[at].link != link)
		at++;
	if (at == LOOKOUT_PEERS)
		return;
	lookout->peers[at].link = link;
	lookout->peers[at].target = (struct prober_target){.local = socket->local,
							   .remote = socket->remote,
							   .remote_port = socket->remote_port};
}

const struct prober_target *lookout_peer(const struct lookout *lookout, unsigned link)
{
	for (unsigned i = 0; i < LOOKOUT_PEERS; i++)
		if (lookout->peers[i].link == link)
			return &lookout->peers[i].target;
	return NULL;
}

void lookout_forget(struct lookout *lookout, const struct links *links)
{
	unsigned kept = 0, link;

	for (unsigned i = 0; i < LOOKOUT_PEERS && lookout->peers[i].link; i++)
		if (links_by_index(links, lookout->peers[i].link))
			lookout->peers[kept++] = lookout->peers[i];
	while (kept < LOOKOUT_PEERS)
		lookout->peers[kept++].link = 0;
	for (unsigned i = 0; (link = monitor_link(lookout->monitor, i)) != 0;)
		if (links_by_index(links, link))
			i++;
		else
			monitor_forget(lookout->monitor, link);
}

/* The kernel looks for each peer on each link; on one that leads to neighbours alone it is no news that it finds nobody. */
static bool leads_nowhere(const struct links *links, const struct link *link,
			  const struct diag_socket *socket)
{
	return socket->state == DIAG_SYN_SENT && link && !links_lead_out(links, link);
}

static int saw(const struct diag_socket *socket, void *data)
{
	struct pass *pass = data;
	const struct link *link;
	struct monitor_flow flow;

	pass->lookout->sockets++;
	backlog_saw(&pass->lookout->backlog, socket);
	if (socket->mptcp &&
	    (socket->state == DIAG_ESTABLISHED || socket->state == DIAG_SYN_SENT)) {
		link = links_by_address(pass->links, &socket->local);
		if (leads_nowhere(pass->links, link, socket))
			return ledger_saw(pass->lookout->ledger, socket);
		flow = (struct monitor_flow){
			.cookie = socket->cookie,
			.connection = socket->inode,
			.link = link ? link->index : 0,
			.established = socket->state == DIAG_ESTABLISHED,
			.in_flight = socket->unacked > 0,
			.acked = socket->bytes_acked,
			.received = socket->bytes_received,
			.rtt = socket->rtt,
			.rtt_acked = socket->rtt_acked,
		};
		monitor_saw(pass->lookout->monitor, &flow);
		pass->lookout->in_flight = pass->lookout->in_flight || flow.in_flight;
		rejoin_saw(&pass->lookout->rejoin, flow.link,
			   socket->local.family == AF_INET ? REJOIN_IPV4 : REJOIN_IPV6,
			   diag_may_join(socket));
		if (link && flow.established)
			keep_peer(pass->lookout, link->index, socket);
	}
	return ledger_saw(pass->lookout->ledger, socket);
}

static int saw_connection(const struct diag_connection *connection, void *data)
{
	struct lookout *lookout = data;

	monitor_saw_connection(lookout->monitor, connection->inode, connection->received_to);
	ledger_saw_connection(lookout->ledger, connection->inode);
	return 0;
}

/* True if bytes have moved since the last time. */
static bool look(struct lookout *lookout, const struct links *links,
		 const struct lookout_acts *acts, uint64_t late)
{
	uint64_t now = clock_now();
	struct pass pass = {lookout, links};
	bool watching = monitor_is_watching(lookout->monitor), moved = true;

	lookout->crowd = lookout->deaf;
	if (lookout->deaf)
		nl_listen(lookout->gone, true);
	lookout->deaf = false;
	lookout->sockets = 0;
	lookout->in_flight = false;
	ledger_look(lookout->ledger);
	monitor_look(lookout->monitor, now, late);
	rejoin_look(&lookout->rejoin);
	backlog_look(&lookout->backlog);
	if (subflows_dump(&lookout->subflows, saw, &pass) < 0)
		return true;
	moved = ledger_looked(lookout->ledger);
	lookout->crowd = lookout->crowd || lookout->sockets > CROWD;
	if (watching || ledger_totals(lookout->ledger).lost) {
		diag_dump_connections(lookout->diag, saw_connection, lookout);
		ledger_saw_connections(lookout->ledger);
	}
	monitor_looked(lookout->monitor, acts->path, acts->data);
	rejoin_looked(&lookout->rejoin, clock_now(), ledger_totals(lookout->ledger).lost_opened,
		      acts->rejoin, acts->data);
	if (backlog_looked(&lookout->backlog, clock_now(),
			   monitor_sends_over_several(lookout->monitor)))
		acts->backlog(lookout->backlog.bytes, acts->data);
	return moved;
}

/* What looking costs is what it computes, not what others make it wait. */
static uint64_t processor_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t pause_after(const struct lookout *lookout, uint64_t cost)
{
	bool seldom = lookout->crowd && !monitor_is_watching(lookout->monitor);
	uint64_t pause = cost * (seldom ? CROWD_SHARE : LOOK_SHARE);

	return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

/* Is there a connection, or has a socket been made so lately that it may become one? */
static bool expects_more(const struct lookout *lookout)
{
	struct ledger_totals totals = ledger_totals(lookout->ledger);

	return totals.open || totals.opening || totals.lost ||
	       (totals.idle && lookout->interval < MONITOR_PAUSE_MAX);
}

void lookout_look(struct lookout *lookout, const struct links *links,
		  const struct lookout_acts *acts)
{
	uint64_t start = clock_now(), cost = processor_time(), at;
	uint64_t late = start > lookout->next ? start - lookout->next : 0;
	bool watching, moved;

	lookout->next = UINT64_MAX;
	if (!lookout->diag)
		return;
	moved = look(lookout, links, acts, late);
	watching = monitor_is_watching(lookout->monitor);
	lookout->interval =
		monitor_pause(lookout->monitor, lookout->interval, moved, lookout->in_flight);
	lookout->earliest = start + pause_after(lookout, processor_time() - cost);
	at = start + lookout->interval;
	if (rejoin_next(&lookout->rejoin) < at)
		at = rejoin_next(&lookout->rejoin);
	if (watching || expects_more(lookout))
		lookout->next = at > lookout->earliest ? at : lookout->earliest;
}

void lookout_soon(struct lookout *lookout)
{
	uint64_t at = clock_now() + LOOK_SOON;

	lookout->interval = MONITOR_PAUSE_BUSY;
	if (at < lookout->earliest)
		at = lookout->earliest;
	if (at < lookout->next)
		lookout->next = at;
}

struct ends {
	struct ledger *ledger;
	unsigned known, strange;
};

static int forget(const struct diag_socket *socket, void *data)
{
	struct ends *ends = data;

	if (ledger_gone(ends->ledger, socket))
		ends->known++;
	else
		ends->strange++;
	return 0;
}

void lookout_on_gone(struct lookout *lookout)
{
	struct ends ends = {.ledger = lookout->ledger};

	if (diag_destroyed(lookout->gone, forget, &ends) < 0)
		lookout_soon(lookout); /* some announcements were lost */
	lookout->deaf = ends.strange > STRANGERS_MANY && ends.strange > ends.known;
	nl_listen(lookout->gone, !lookout->deaf);
}

static void let_be(unsigned link, enum monitor_action action, void *data)
{
}

static void do_not_rejoin(unsigned link, void *data)
{
}

static void leave_backlog(uint32_t bytes, void *data)
{
}

void lookout_settle(struct lookout *lookout, const struct links *links)
{
	struct pollfd gone = {.fd = lookout->gone ? nl_fd(lookout->gone) : -1, .events = POLLIN};
	const struct lookout_acts none = {let_be, do_not_rejoin, leave_backlog, NULL};
	uint64_t until = clock_now() + SETTLE;
	bool missed = lookout->deaf; /* the ends of some that were known */

	if (lookout->diag && !ledger_is_empty(lookout->ledger))
		look(lookout, links, &none, 0);
	while (lookout->gone && !missed && ledger_closing(lookout->ledger) > 0 &&
	       clock_now() < until)
		if (poll(&gone, 1, 10) > 0)
			lookout_on_gone(lookout);
}
