/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/paths.h"

#include "base/clock.h"
#include "link/diag.h"
#include "link/links.h"
#include "lkl/flows.h"
#include "lkl/kernel.h"
#include "lkl/tally.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <netinet/tcp.h>
#include <string.h>

#define LOOK_PROBING (100 * NS_PER_MS)
#define LATE         20   /* ms */
#define DEAF_CLOSED  1000 /* ms without an answer */
#define DEAF         3000
#define DEAF_ASKED   3  /* timeouts: the first of 200 ms at least, each twice as long */
#define ENDING_MAX   16 /* connections, of whose ends each is looked at */

struct pass {
	struct paths *paths;
	uint64_t moved;
	struct flows flows;
};

static bool stays(unsigned link, void *data);

int paths_open(struct paths *paths, struct network *network)
{
	*paths = (struct paths){
		.network = network, .next = UINT64_MAX, .interval = MONITOR_PAUSE_BUSY};
	for (unsigned i = 0; i < LKL_PORTS_MAX; i++)
		paths->peers[i].probe = -1;
	network->stays = stays;
	network->data = paths;
	paths->monitor = monitor_new();
	paths->ledger = ledger_new();
	if (!paths->monitor || !paths->ledger)
		return -ENOMEM;
	if (nl_open(&paths->host, NETLINK_ROUTE) < 0)
		paths->host = NULL;
	return nl_open_by(&paths->diag, &kernel_netlink, NETLINK_SOCK_DIAG);
}

/* The port that has @address, LKL_PORTS_MAX: none. */
static unsigned port_of(const struct network *network, const struct address *address)
{
	const struct port *port = network_port_of(network, address);

	return port ? (unsigned)(port - network->is.ports) : LKL_PORTS_MAX;
}

static unsigned port_of_link(const struct network *network, unsigned link)
{
	unsigned i = 0;

	while (i < network->is.port_count && (unsigned)network->indexes[i] != link)
		i++;
	return i < network->is.port_count ? i : LKL_PORTS_MAX;
}

static void fill(struct sockaddr_in6 *ret, const struct address *address, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	*ret = (struct sockaddr_in6){.sin6_family = address->family, .sin6_port = htons(port)};
	if (address->family == AF_INET)
		v4->sin_addr = address->v4;
	else
		ret->sin6_addr = address->v6;
}

static int saw(const struct diag_socket *socket, void *data)
{
	struct pass *pass = data;
	const struct network *network = pass->paths->network;
	unsigned port = port_of(network, &socket->local);
	unsigned link = port < LKL_PORTS_MAX ? (unsigned)network->indexes[port] : 0;
	struct paths_peer *peer = &pass->paths->peers[port % LKL_PORTS_MAX];

	backlog_saw(&pass->paths->backlog, socket);
	tally_saw(pass->paths->ledger, socket);
	pass->moved += socket->bytes_acked + socket->bytes_received;
	if (socket->state != DIAG_ESTABLISHED && (!socket->mptcp || socket->state != DIAG_SYN_SENT))
		return 0;
	pass->paths->in_flight = pass->paths->in_flight || socket->unacked > 0;
	if (link && socket->unacked && socket->last_ack >= LATE)
		peer->is_late = true;
	if (link && socket->state == DIAG_ESTABLISHED) {
		fill(&peer->local, &socket->local, 0);
		fill(&peer->remote, &socket->remote, socket->remote_port);
		peer->known = true;
		flows_add(&pass->flows, socket, link);
	}
	if (socket->mptcp)
		rejoin_saw(&pass->paths->rejoin, link,
			   socket->local.family == AF_INET ? REJOIN_IPV4 : REJOIN_IPV6,
			   diag_may_join(socket));
	return monitor_saw(pass->paths->monitor,
			   &(struct monitor_flow){
				   .cookie = socket->cookie,
				   .connection = socket->inode,
				   .link = link,
				   .established = socket->state == DIAG_ESTABLISHED,
				   .in_flight = socket->unacked > 0,
				   .acked = socket->bytes_acked,
				   .received = socket->bytes_received,
				   .rtt = socket->rtt,
				   .rtt_acked = socket->rtt_acked,
			   });
}

static int saw_connection(const struct diag_connection *connection, void *data)
{
	struct paths *paths = data;

	monitor_saw_connection(paths->monitor, connection->inode, connection->received_to);
	ledger_saw_connection(paths->ledger, connection->inode);
	return 0;
}

static int count_flow(const struct diag_socket *socket, void *data)
{
	struct pass *pass = data;
	unsigned port = port_of(pass->paths->network, &socket->local);

	if (socket->mptcp && socket->state == DIAG_ESTABLISHED && port < LKL_PORTS_MAX)
		flows_add(&pass->flows, socket, (unsigned)pass->paths->network->indexes[port]);
	return 0;
}

/* Are the subflows of @link to be kept for now, when it is not to be used any more? */
static bool stays(unsigned link, void *data)
{
	static struct pass pass;
	struct paths *paths = data;
	unsigned port = port_of_link(paths->network, link);
	uint64_t now = clock_now();

	pass.paths = paths;
	pass.flows.count = 0;
	if (!paths->diag || port == LKL_PORTS_MAX || diag_dump(paths->diag, count_flow, &pass) < 0)
		return false;
	if (flows_cut_off(&pass.flows, link))
		return true;
	/* One that is there goes for other reasons: it is silent, or is to be joined anew. */
	if (paths->network->is.ports[port].up)
		return false;
	if (!paths->settles_at[port])
		paths->settles_at[port] = now + flows_settle(&pass.flows, link) * NS_PER_MS;
	if (now < paths->settles_at[port] && paths->settles_at[port] < paths->next)
		paths->next = paths->settles_at[port];
	return now < paths->settles_at[port];
}

static socklen_t size_of(const struct sockaddr_in6 *address)
{
	return address->sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(*address);
}

static void end_probe(struct paths_peer *peer)
{
	const struct linger reset = {.l_onoff = 1};

	if (peer->probe < 0)
		return;
	kernel_set_option(peer->probe, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	kernel_close(peer->probe);
	peer->probe = -1;
}

/* A plain TCP connection over that link: bound to its address, it leaves by it. Its handshake's last acknowledgement is put off, so
 * that it is reset before a server's program is told of it. -EADDRNOTAVAIL: that address is not the link's any more. */
static int probe(struct paths_peer *peer)
{
	const int later = 0;
	int fd, bound, code;

	end_probe(peer);
	if (!peer->known)
		return -EAGAIN;
	fd = kernel_socket(peer->local.sin6_family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return fd;
	peer->probe = fd;
	bound = code =
		kernel_bind(fd, (const struct sockaddr *)&peer->local, size_of(&peer->local));
	kernel_set_option(fd, IPPROTO_TCP, TCP_QUICKACK, &later, sizeof(later));
	if (code == 0)
		code = kernel_connect(fd, (const struct sockaddr *)&peer->remote,
				      size_of(&peer->remote));
	if (code < 0 && code != -EINPROGRESS)
		end_probe(peer);
	return bound;
}

/* Has anything come back? Errors that our own side made up (no route, no link) are no answer. */
static void hear_probe(struct paths *paths, unsigned port)
{
	struct paths_peer *peer = &paths->peers[port];
	struct sockaddr_storage name;
	socklen_t size = sizeof(int), name_size = sizeof(name);
	int error = 0;

	if (peer->probe < 0)
		return;
	kernel_get_option(peer->probe, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error == ECONNREFUSED ||
	    (!error && kernel_peer(peer->probe, (struct sockaddr *)&name, &name_size) == 0)) {
		monitor_answered(paths->monitor, (unsigned)paths->network->indexes[port]);
		end_probe(peer);
	} else if (error) {
		end_probe(peer);
	}
}

static void act(unsigned link, enum monitor_action action, void *data)
{
	const struct pass *pass = data;
	unsigned port = port_of_link(pass->paths->network, link);

	if (port == LKL_PORTS_MAX)
		return;
	if (action == MONITOR_PROBE && probe(&pass->paths->peers[port]) == -EADDRNOTAVAIL)
		monitor_answered(pass->paths->monitor, link);
	else if (action == MONITOR_PUT_IN || action == MONITOR_GO_ON ||
		 (action == MONITOR_TAKE_OUT && !flows_cut_off(&pass->flows, link)))
		network_silence(pass->paths->network, link, action == MONITOR_TAKE_OUT);
}

/* Puts in anew what has lost its subflows, where the kernel would not try again. */
static void rejoin(unsigned link, void *data)
{
	const struct paths *paths = data;

	network_renew(paths->network, link);
}

static void tell_rejoin(struct paths *paths)
{
	const struct network *network = paths->network;
	struct rejoin_link used[LKL_PORTS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < network->device_count; i++) {
		const struct port *port = &network->is.ports[i];

		if (network->use[i] != MULTIPATH_USED)
			continue;
		paths->settles_at[i] = 0;
		used[count] = (struct rejoin_link){.index = (unsigned)network->indexes[i],
						   .local = !port->gateways[0].family &&
							    !port->gateways[1].family};
		for (unsigned a = 0; a < port->address_count; a++)
			used[count].families |=
				port->addresses[a].family == AF_INET ? REJOIN_IPV4 : REJOIN_IPV6;
		count++;
	}
	rejoin_links(&paths->rejoin, used, count);
}

/* The host's kernel tells at once that a link has lost its carrier if it has not told of any link for a second, else when that second is
 * over; unless somebody asks after the link: then it tells all who listen, and whoever has our ports is among them. */
static void ask_after_late(struct paths *paths)
{
	const struct lkl_start *is = &paths->network->is;

	for (unsigned i = 0; i < is->port_count; i++)
		if (paths->host && paths->peers[i].is_late && is->ports[i].up)
			links_is_down(paths->host, is->ports[i].link);
}

/* True if bytes have moved since the last time. */
static bool look(struct paths *paths, uint64_t now, uint64_t late)
{
	static struct pass pass; /* there is one thread */
	bool moved;

	pass.paths = paths;
	pass.moved = 0;
	pass.flows.count = 0;
	paths->in_flight = false;
	for (unsigned i = 0; i < LKL_PORTS_MAX; i++) {
		hear_probe(paths, i);
		paths->peers[i].is_late = false;
	}
	monitor_look(paths->monitor, now, late);
	tell_rejoin(paths);
	rejoin_look(&paths->rejoin);
	backlog_look(&paths->backlog);
	ledger_look(paths->ledger);
	if (diag_dump(paths->diag, saw, &pass) < 0)
		return true;
	ask_after_late(paths);
	ledger_looked(paths->ledger);
	if ((monitor_is_watching(paths->monitor) || ledger_totals(paths->ledger).lost) &&
	    diag_dump_connections(paths->diag, saw_connection, paths) == 0)
		ledger_saw_connections(paths->ledger);
	monitor_looked(paths->monitor, act, &pass);
	rejoin_looked(&paths->rejoin, now, ledger_totals(paths->ledger).lost_opened, rejoin, paths);
	if (backlog_looked(&paths->backlog, now, monitor_sends_over_several(paths->monitor)))
		network_bound(paths->network, paths->backlog.bytes);
	network_let_go(paths->network);
	moved = pass.moved != paths->moved;
	paths->moved = pass.moved;
	return moved;
}

void paths_ending(struct paths *paths, unsigned connections)
{
	if (paths->diag && connections <= ENDING_MAX)
		tally_look(paths->ledger, paths->diag);
}

struct hearing {
	uint64_t ago; /* ms */
	bool heard;
};

/* Longer than DEAF_CLOSED, over a link that had died before. Not where the peer knows no MPTCP: then the connection has nothing else. */
static bool is_asked_in_vain(const struct diag_socket *socket)
{
	const uint32_t agreed = MPTCP_SUBFLOW_FLAG_MCAP_REM | MPTCP_SUBFLOW_FLAG_JOIN_REM;

	return socket->mptcp_flags & agreed && socket->timeouts >= DEAF_ASKED;
}

/* What is closed while others of its connection may be there holds nothing that would be lost. What else is under way may get through
 * when the link comes back in a moment. */
static int hear(const struct diag_socket *socket, void *data)
{
	bool closed = socket->mptcp && socket->state != DIAG_ESTABLISHED &&
		      socket->state != DIAG_CLOSE_WAIT;
	uint32_t patience = closed ? DEAF_CLOSED : DEAF;
	struct hearing *hearing = data;

	if (socket->state == DIAG_LISTEN || socket->state == DIAG_CLOSE ||
	    socket->state == DIAG_SYN_SENT)
		return 0;
	/* The last answer may be old where nothing was asked. */
	if (!socket->unacked || socket->last_ack < patience ||
	    (hearing->ago < patience && !(closed && is_asked_in_vain(socket))))
		hearing->heard = true;
	return 0;
}

bool paths_hear(const struct paths *paths, uint64_t ago)
{
	struct hearing hearing = {.ago = ago / NS_PER_MS};

	return paths->diag && diag_dump(paths->diag, hear, &hearing) == 0 && hearing.heard;
}

/* When something that settles has done so; UINT64_MAX: nothing does. */
static uint64_t next_settled(const struct paths *paths, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < LKL_PORTS_MAX; i++)
		if (paths->settles_at[i] > now && paths->settles_at[i] < next)
			next = paths->settles_at[i];
	return next;
}

static bool is_probing(const struct paths *paths)
{
	for (unsigned i = 0; i < LKL_PORTS_MAX; i++)
		if (paths->peers[i].probe >= 0)
			return true;
	return false;
}

uint64_t paths_look(struct paths *paths, uint64_t now, unsigned connections, bool busy)
{
	bool watching, moved;

	if (!paths->diag)
		return UINT64_MAX;
	if (busy && paths->next > now + MONITOR_PAUSE_BUSY)
		paths->next = now + MONITOR_PAUSE_BUSY;
	if (now < paths->next)
		return paths->next;
	moved = look(paths, now, now - paths->next);
	watching = monitor_is_watching(paths->monitor);
	paths->interval = monitor_pause(paths->monitor, paths->interval, moved, paths->in_flight);
	if (is_probing(paths) && paths->interval > LOOK_PROBING)
		paths->interval = LOOK_PROBING;
	paths->next = watching || connections > 0 ? now + paths->interval : UINT64_MAX;
	if (rejoin_next(&paths->rejoin) < paths->next)
		paths->next = rejoin_next(&paths->rejoin);
	if (next_settled(paths, now) < paths->next)
		paths->next = next_settled(paths, now);
	return paths->next;
}
