/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/network.h"

#include "lkl/kernel.h"
#include "stack/native.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <string.h>

#define LOOPBACK 1

static int open_netstack(struct netstack *ret)
{
	int err = nl_open_by(&ret->route, &kernel_netlink, NETLINK_ROUTE);

	if (err == 0)
		err = nl_open_by(&ret->generic, &kernel_netlink, NETLINK_GENERIC);
	if (err == 0)
		err = nl_family(ret->generic, MPTCP_PM_NAME, NULL, &ret->mptcp, NULL);
	return err;
}

static int switch_on_loopback(struct nl *nl)
{
	struct nlmsghdr *msg = nl_start(nl, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);

	info->ifi_index = LOOPBACK;
	info->ifi_change = info->ifi_flags = IFF_UP;
	return nl_talk(nl, NULL, NULL);
}

/* Settings of the whole network. */
static int set_up_all(const struct port_range *range)
{
	static const char *const settings[][2] = {
		/* The host has asked who else has its addresses, got them, and listens to routers. */
		{"net/ipv6/conf/all/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_ra", "0"},
		{"net/ipv6/conf/default/addr_gen_mode", "1"},
		/* There are few ports: one whose connection ended a second ago can be had again. */
		{"net/ipv4/tcp_tw_reuse", "1"},
	};
	char ports[32];
	int err = 0;

	for (unsigned i = 0; i < sizeof(settings) / sizeof(*settings) && err == 0; i++)
		err = kernel_set(settings[i][0], settings[i][1]);
	snprintf(ports, sizeof(ports), "%u %u", range->first, range->last);
	return err < 0 ? err : kernel_set("net/ipv4/ip_local_port_range", ports);
}

static bool contains(const struct change *all, unsigned count, const struct change *one)
{
	for (unsigned i = 0; i < count; i++)
		if (change_equal(&all[i], one))
			return true;
	return false;
}

/* Whatever the plan says now that was not so, and the other way round. What is gone with its link is no error. */
static int set_up_links(struct network *network, struct err *err)
{
	const struct native_facts facts = {.ours = network->changes,
					   .our_count = network->change_count,
					   .policy = &network->is.policy};
	struct change *made;
	struct native_plan plan;
	int code = native_plan(&network->netstack, &facts, &plan, err);

	if (code < 0)
		return code;
	for (unsigned i = network->change_count; i-- > 0;)
		if (!contains(plan.multipath.changes, plan.multipath.count, &network->changes[i]))
			change_undo(&network->netstack, &network->changes[i]);
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
	made = plan.multipath.changes;
	network->change_count = plan.multipath.count;
	plan.multipath.changes = network->changes;
	network->changes = made;
	native_plan_free(&plan);
	return 0;
}

static int set_up_ports(struct network *network, const struct lkl_start *was,
			const struct lkl_start *now, struct err *err)
{
	for (unsigned i = 0; i < now->port_count; i++) {
		int code = port_apply(network->netstack.route, (unsigned)network->indexes[i],
				      was ? &was->ports[i] : NULL, &now->ports[i]);

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
		code = switch_on_loopback(network->netstack.route);
	if (code == 0)
		code = set_up_all(&start->range);
	for (unsigned i = 0; i < start->port_count && code == 0; i++) {
		const struct port *port = &start->ports[i];

		network->indexes[i] = kernel_add_link(fds[i], port->mac, port->mtu);
		if (network->indexes[i] < 0)
			code = network->indexes[i];
	}
	if (code < 0)
		return err_set(err, code, "stack lkl cannot set up its network: %s",
			       strerror(-code));
	return set_up_ports(network, NULL, start, err);
}

int network_update(struct network *network, const struct lkl_start *now, struct err *err)
{
	struct lkl_start was = network->is;

	if (now->port_count != was.port_count)
		return -EINVAL;
	return set_up_ports(network, &was, now, err);
}
