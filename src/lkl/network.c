/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/network.h"

#include "base/clock.h"
#include "link/congestion.h"
#include "lkl/kernel.h"
#include "stack/native.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mptcp.h>
#include <stdlib.h>
#include <string.h>

#define LOOPBACK    1
#define PAGE        4096
#define OWN         (8U << 20) /* what the kernel itself takes of its memory, and a little more */
#define SHARE_LEAST 16384
/* As the kernel has it with much memory. */
#define SEND_FIRST    16384
#define SEND_MOST     (4U << 20)
#define RECEIVE_FIRST 131072
#define RECEIVE_MOST  (6U << 20)

static int open_netstack(struct netstack *ret)
{
	int err = nl_open_by(&ret->route, &kernel_netlink, NETLINK_ROUTE);

	if (err == 0)
		err = nl_open_by(&ret->generic, &kernel_netlink, NETLINK_GENERIC);
	if (err == 0)
		err = nl_family(ret->generic, MPTCP_PM_NAME, NULL, &ret->mptcp, NULL);
	return err;
}

/* One range from the lowest to the highest, and what is between those that there are is nobody's. */
static int set_numbers(const struct port_ranges *ranges)
{
	char text[PORT_RANGES_MAX * 16] = "\n";
	unsigned first = UINT16_MAX, last = 0, at = 0;
	int err;

	for (unsigned i = 0; i < ranges->count; i++) {
		first = ranges->all[i].first < first ? ranges->all[i].first : first;
		last = ranges->all[i].last > last ? ranges->all[i].last : last;
	}
	for (unsigned hole = first, end; hole <= last; hole = end + 1) {
		for (end = hole; end < last && !port_ranges_have(ranges, (uint16_t)end); end++)
			;
		if (end > hole)
			at += (unsigned)snprintf(text + at, sizeof(text) - at, "%s%u-%u",
						 at ? "," : "", hole, end - 1);
	}
	err = kernel_set("net/ipv4/ip_local_reserved_ports", text);
	snprintf(text, sizeof(text), "%u %u", first, last);
	return err < 0 ? err : kernel_set("net/ipv4/ip_local_port_range", text);
}

unsigned network_numbers(const struct network *network)
{
	const struct port_ranges *ranges = &network->is.ranges;
	unsigned count = 0;

	for (unsigned i = 0; i < ranges->count; i++)
		count += ranges->all[i].last - ranges->all[i].first + 1u;
	return count;
}

bool network_is_scarce(struct network *network)
{
	bool first = !network->asked && !network->denied;

	network->asked = true;
	return first;
}

/* As the host has it. Where the library has no such way its own stays. */
static void set_congestion_control(void)
{
	char name[CONGESTION_NAME_MAX];

	congestion_read(name);
	if (name[0])
		kernel_set("net/ipv4/tcp_congestion_control", name);
}

/* Settings of the whole network. The kernel's own bounds of TCP's memory are made for machines that do something else as well:
 * a thirty-second of all memory, and of that a small part for each connection, too little for a far path; and where they are met
 * connections stand still for a moment (stalls.h). What is left for sockets themselves and for packets keeps it from breaking down. */
static int set_up_all(const struct lkl_start *start)
{
	static const char *const settings[][2] = {
		/* The host has asked who else has its addresses, got them, and listens to routers. */
		{"net/ipv6/conf/all/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_ra", "0"},
		{"net/ipv6/conf/default/addr_gen_mode", "1"},
		/* There are few ports: one whose connection ended a second ago can be had again, at once if many have. */
		{"net/ipv4/tcp_tw_reuse", "1"},
		{"net/ipv4/tcp_max_tw_buckets", "64"},
		/* Where links come and go so do questions who has an address, and all that is sent waits for an answer: a question is not
		 * asked again after a second, but there are as many more. */
		{"net/ipv4/neigh/default/retrans_time_ms", "200"},
		{"net/ipv4/neigh/default/mcast_solicit", "15"},
		{"net/ipv4/neigh/default/ucast_solicit", "15"},
		{"net/ipv6/neigh/default/retrans_time_ms", "200"},
		{"net/ipv6/neigh/default/mcast_solicit", "15"},
		{"net/ipv6/neigh/default/ucast_solicit", "15"},
	};
	const uint64_t pages = (start->memory - OWN) / PAGE;
	char pressure[96];
	int err = 0;

	for (unsigned i = 0; i < sizeof(settings) / sizeof(*settings) && err == 0; i++)
		err = kernel_set(settings[i][0], settings[i][1]);
	set_congestion_control();
	if (err == 0)
		err = set_numbers(&start->ranges);
	snprintf(pressure, sizeof(pressure), "%" PRIu64 " %" PRIu64 " %" PRIu64, pages * 3 / 8,
		 pages / 2, pages * 5 / 8);
	return err < 0 ? err : kernel_set("net/ipv4/tcp_mem", pressure);
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* @first: what a socket begins with. */
static int set_bounds(const char *name, uint64_t first, uint64_t most)
{
	char text[64];

	snprintf(text, sizeof(text), "4096 %" PRIu64 " %" PRIu64, least_of(first, most), most);
	return kernel_set(name, text);
}

/* What is sent stays until the peer has it: an eighth for all together, which with two subflows is twice as much, for MPTCP has its data
 * in its own buffer, which is as large as those of its subflows together, and in theirs. What has come programs take at once, so
 * buffers for it are mostly windows: large ones, for what comes at once costs one acknowledgement and wakes a program once. But
 * programs that take nothing must leave enough for others: a third of what is there. */
static int set_buffers(const struct network *network)
{
	uint64_t send = network->is.memory / 8 / network->sharers;
	uint64_t receive = (network->is.memory - OWN) / 3 / network->sharers;
	int err;

	send = least_of(most_of(SHARE_LEAST, send), SEND_MOST);
	if (network->backlog)
		send = least_of(send, network->backlog);
	err = set_bounds("net/ipv4/tcp_wmem", SEND_FIRST, send);
	if (err == 0)
		err = set_bounds("net/ipv4/tcp_rmem", RECEIVE_FIRST,
				 least_of(most_of(SHARE_LEAST, receive), RECEIVE_MOST));
	return err;
}

int network_share(struct network *network, unsigned connections)
{
	unsigned sharers = 1;

	while (sharers < connections)
		sharers *= 2;
	if (sharers == network->sharers)
		return 0;
	network->sharers = sharers;
	return set_buffers(network);
}

int network_bound(struct network *network, uint32_t backlog)
{
	network->backlog = backlog;
	return set_buffers(network);
}

static bool contains(const struct change *all, unsigned count, const struct change *one)
{
	for (unsigned i = 0; i < count; i++)
		if (change_equal(&all[i], one))
			return true;
	return false;
}

/* What goes on with other flags loses no subflow. */
static bool alter(struct network *network, struct change *was, const struct multipath_plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (!change_is_mild(was, &plan->changes[i]) ||
		    change_replace(&network->netstack, was, &plan->changes[i]) < 0)
			continue;
		*was = plan->changes[i];
		return true;
	}
	return false;
}

static void tell(struct network *network, unsigned index)
{
	endpoint_tell(network->netstack.generic, network->netstack.mptcp, index);
}

/* What has stayed (@kept) on a link that is used again goes on. */
static void note_use(struct network *network, const struct native_plan *plan, bool kept)
{
	for (unsigned i = 0; i < network->is.port_count; i++)
		for (unsigned j = 0; j < plan->links.count; j++) {
			enum multipath_use was = network->use[i], now = plan->multipath.use[j];

			if (plan->links.all[j].index != (unsigned)network->indexes[i])
				continue;
			network->use[i] = now;
			if (kept && was != MULTIPATH_USED && now == MULTIPATH_USED)
				tell(network, (unsigned)network->indexes[i]);
		}
}

/* With an endpoint its subflows are closed, in all connections at once. */
static bool is_needed(const struct network *network, const struct change *change)
{
	return change->kind == CHANGE_ENDPOINT && network->stays &&
	       network->stays(change->endpoint.index, network->data);
}

static bool keep(struct network *network, struct multipath_plan *plan, const struct change *change)
{
	struct change *more = reallocarray(plan->changes, plan->count + 1, sizeof(*more));

	if (!more)
		return false;
	plan->changes = more;
	more[plan->count++] = *change;
	network->keeps = true;
	return true;
}

/* Whatever the plan says now that was not so, and the other way round. What is gone with its link is no error. */
static int set_up_links(struct network *network, struct err *err)
{
	const struct native_facts facts = {.ours = network->changes,
					   .our_count = network->change_count,
					   .silence = &network->silence,
					   .policy = &network->is.policy};
	struct change *made;
	bool kept;
	struct native_plan plan;
	int code = native_plan(&network->netstack, &facts, &plan, err);

	if (code < 0)
		return code;
	if (!network->keeps)
		network->kept_at = clock_now();
	kept = clock_now() - network->kept_at >= ENDPOINT_TELL_AFTER;
	network->keeps = false;
	for (unsigned i = network->change_count; i-- > 0;) {
		struct change *change = &network->changes[i];

		if (contains(plan.multipath.changes, plan.multipath.count, change) ||
		    alter(network, change, &plan.multipath) ||
		    (is_needed(network, change) && keep(network, &plan.multipath, change)))
			continue;
		change_undo(&network->netstack, change);
	}
	for (unsigned i = 0; i < plan.multipath.count; i++) {
		const struct change *change = &plan.multipath.changes[i];

		if (contains(network->changes, network->change_count, change))
			continue;
		code = change_apply(&network->netstack, change);
		if (code < 0) {
			char text[256];

			err_set(err, code, "stack lkl: %s: %s",
				change_text(change, text, sizeof(text)), strerror(-code));
		}
	}
	note_use(network, &plan, kept);
	made = plan.multipath.changes;
	network->change_count = plan.multipath.count;
	plan.multipath.changes = network->changes;
	network->changes = made;
	native_plan_free(&plan);
	return 0;
}

/* @fds: of all ports, those that have a device already included. What fails can be tried again: a device that is there is used. */
static int set_up_ports(struct network *network, const struct lkl_start *now, const int *fds,
			struct err *err)
{
	const struct lkl_start *was = &network->is;
	int code = 0;

	for (unsigned i = 0; i < was->port_count && code == 0; i++)
		code = port_leave(network->netstack.route, (unsigned)network->indexes[i],
				  &was->ports[i], &now->ports[i]);
	if (code < 0)
		return err_set(err, code, "stack lkl cannot take back a link: %s", strerror(-code));
	for (unsigned i = 0; i < now->port_count; i++) {
		const struct port *port = &now->ports[i];
		bool had = i < was->port_count && was->ports[i].serial == port->serial;

		if (i == network->device_count) {
			code = kernel_add_link(fds[i], port->mac, port->mtu);
			network->indexes[i] = code;
			network->device_count += code >= 0;
		}
		if (code >= 0)
			code = port_apply(network->netstack.route, (unsigned)network->indexes[i],
					  had ? &was->ports[i] : NULL, port);
		if (code < 0)
			return err_set(err, code, "stack lkl cannot set up %s: %s",
				       now->ports[i].name, strerror(-code));
	}
	network->is = *now;
	return set_up_links(network, err);
}

int network_open(struct network *network, const struct lkl_start *start, const int *fds,
		 struct err *err)
{
	int code;

	*network = (struct network){0};
	code = open_netstack(&network->netstack);
	if (code == 0)
		code = nl_switch_on(network->netstack.route, LOOPBACK);
	if (code == 0)
		code = set_up_all(start);
	if (code < 0)
		return err_set(err, code, "stack lkl cannot set up its network: %s",
			       strerror(-code));
	code = set_up_ports(network, start, fds, err);
	return code < 0 ? code : network_share(network, 1);
}

int network_update(struct network *network, const struct lkl_start *now, const int *fds,
		   struct err *err)
{
	if (now->port_count < network->is.port_count)
		return -EINVAL;
	if (now->answers != network->is.answers) {
		network->denied = now->ranges.count == network->is.ranges.count;
		network->asked = false;
		set_numbers(&now->ranges);
	}
	return set_up_ports(network, now, fds, err);
}

const struct port *network_port_of(const struct network *network, const struct address *address)
{
	for (unsigned i = 0; i < network->is.port_count; i++)
		for (unsigned j = 0; j < network->is.ports[i].address_count; j++)
			if (address_equal(&network->is.ports[i].addresses[j], address))
				return &network->is.ports[i];
	return NULL;
}

void network_silence(struct network *network, unsigned index, bool silent)
{
	struct err err;

	if (silence_set(&network->silence, index, silent))
		set_up_links(network, &err);
	else if (!silent)
		tell(network, index);
}

void network_renew(struct network *network, unsigned index)
{
	if (silence_has(&network->silence, index))
		return; /* it has none */
	network_silence(network, index, true);
	network_silence(network, index, false);
}

void network_let_go(struct network *network)
{
	struct err err;

	if (network->keeps)
		set_up_links(network, &err);
}
