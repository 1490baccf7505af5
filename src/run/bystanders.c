/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/bystanders.h"

#include "base/cleanup.h"
#include "link/diag.h"
#include "link/multipath.h"
#include "link/settle.h"

#define LIVED 1000 /* ms */

static int keep(const struct diag_socket *socket, void *data)
{
	struct bystanders *b = data;
	bool alive = socket->inode ? socket->state == DIAG_ESTABLISHED : socket->unacked > 0;

	if (!socket->mptcp || !alive)
		return 0;
	if (b->count == b->room) {
		unsigned room = b->room ? b->room * 2 : 64;
		struct bystander *grown = reallocarray(b->flows, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->flows = grown;
		b->room = room;
	}
	/* A join that looks established may still be refused by the peer, or meet an outage at once. */
	b->flows[b->count++] =
		(struct bystander){.connection = socket->inode,
				   .local = socket->local,
				   .proven = socket->bytes_acked || socket->bytes_received ||
					     socket->last_ack >= LIVED,
				   .unacked = socket->unacked,
				   .rtt_min = socket->rtt_min,
				   .last_ack = socket->last_ack};
	return 0;
}

/* What passes by itself, and says nothing of who is there. What is missing for good does not keep a run from ending. */
static bool passes(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS;
}

/* Could a connection stand on it? */
static bool carries(const struct change *change)
{
	return change->kind == CHANGE_ENDPOINT || change->kind == CHANGE_RULE ||
	       change->kind == CHANGE_ROUTE;
}

void bystanders_look_at(struct bystanders *b, struct netstack *netstack,
			const struct address *addresses, unsigned count)
{
	_cleanup_nl_ struct nl *nl = NULL;
	int code;

	*b = (struct bystanders){.only_cut_off = true};
	for (unsigned i = 0; i < count && i < BYSTANDERS_ADDRESSES; i++)
		b->endpoints[b->endpoint_count++] = addresses[i];
	code = links_read(netstack->route, &b->links);
	if (code == 0)
		code = nl_open(&nl, NETLINK_SOCK_DIAG);
	if (code == 0)
		code = diag_dump(nl, keep, b);
	if (code < 0)
		b->count = 0;
	b->unknown = passes(code);
}

void bystanders_look(struct bystanders *b, struct netstack *netstack, const struct journal *journal,
		     bool only_cut_off)
{
	struct address endpoints[ENDPOINT_MAX];
	unsigned count, found = 0;
	const struct change *changes = journal_changes(journal, &count);
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		any = any || carries(&changes[i]);
		if (changes[i].kind == CHANGE_ENDPOINT && found < ENDPOINT_MAX)
			endpoints[found++] = changes[i].endpoint.address;
	}
	*b = (struct bystanders){0};
	if (any)
		bystanders_look_at(b, netstack, endpoints, found);
	b->only_cut_off = only_cut_off;
}

void bystanders_free(struct bystanders *b)
{
	links_free(&b->links);
	free(b->flows);
}

static bool has_endpoint(const struct bystanders *b, const struct address *address)
{
	for (unsigned i = 0; i < b->endpoint_count; i++)
		if (address_equal(&b->endpoints[i], address))
			return true;
	return false;
}

/* Would its connection be left without a proven subflow if all endpoints went? */
static bool would_be_cut_off(const struct bystanders *b, unsigned flow)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->flows[i].connection == b->flows[flow].connection && b->flows[i].proven &&
		    !has_endpoint(b, &b->flows[i].local))
			return false;
	return true;
}

bool bystanders_cut_off(const struct bystanders *b, const struct address *address)
{
	if (b->unknown)
		return true;
	for (unsigned i = 0; i < b->count; i++)
		if (address_equal(&b->flows[i].local, address) && would_be_cut_off(b, i))
			return true;
	return false;
}

/* The shortest round trip (us) of what its connection can go on by; UINT32_MAX: there is nothing. */
static uint32_t other_rtt(const struct bystanders *b, const struct bystander *flow)
{
	uint32_t rtt = UINT32_MAX;

	for (unsigned i = 0; i < b->count; i++)
		if (b->flows[i].connection == flow->connection && b->flows[i].proven &&
		    !has_endpoint(b, &b->flows[i].local) && b->flows[i].rtt_min < rtt)
			rtt = b->flows[i].rtt_min;
	return rtt;
}

unsigned bystanders_settle(const struct bystanders *b)
{
	unsigned most = 0;

	for (unsigned i = 0; i < b->count; i++) {
		const struct bystander *flow = &b->flows[i];
		unsigned wait;

		if (!settle_pays(flow->unacked) || !has_endpoint(b, &flow->local))
			continue;
		wait = settle_time(other_rtt(b, flow), flow->last_ack);
		most = wait > most ? wait : most;
	}
	return most;
}

static bool stands_on(const struct bystanders *b, const struct address *local,
		      const struct change *change)
{
	const struct link *link;

	switch (change->kind) {
	case CHANGE_ENDPOINT:
		return address_equal(&change->endpoint.address, local);
	case CHANGE_RULE:
		return address_equal(&change->rule.from, local);
	case CHANGE_ROUTE:
		link = links_by_address(&b->links, local);
		return link && change->route.table == MULTIPATH_TABLE_FIRST + link->index;
	case CHANGE_LIMITS:
	case CHANGE_BACKLOG:
	case CHANGE_FORWARDING:
	case CHANGE_DEVICE:
	case CHANGE_BLACKHOLE:
		break;
	}
	return false;
}

bool bystanders_need(const struct change *change, void *data)
{
	const struct bystanders *b = data;

	if (b->unknown)
		return carries(change);
	for (unsigned i = 0; i < b->count; i++)
		if (stands_on(b, &b->flows[i].local, change) &&
		    (!b->only_cut_off || would_be_cut_off(b, i)))
			return true;
	return false;
}

unsigned bystanders_leave(struct journal *journal, bool only_cut_off)
{
	struct bystanders bystanders;
	struct netstack netstack = {0};
	unsigned count, kept;

	journal_changes(journal, &count);
	/* Who may have no descriptor for it has not set up anything either, and does not wait for one. */
	if (netstack_open_host(&netstack) < 0 && count > 0)
		return 1;
	bystanders_look(&bystanders, &netstack, journal, only_cut_off);
	kept = journal_release(journal, &netstack, bystanders_need, &bystanders);
	bystanders_free(&bystanders);
	netstack_close(&netstack);
	return kept;
}
