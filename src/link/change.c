/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/change.h"

#include "link/backlog.h"
#include "link/blackhole.h"
#include "link/forwarding.h"
#include "link/port_nat.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static bool is_ports(unsigned index, char name[static IF_NAMESIZE])
{
	return if_indextoname(index, name) &&
	       strncmp(name, PORT_NAT_DEVICE, strlen(PORT_NAT_DEVICE)) == 0;
}

int change_apply(struct netstack *stack, const struct change *change)
{
	char name[IF_NAMESIZE];
	int err = -EINVAL;

	switch (change->kind) {
	case CHANGE_ROUTE:
		err = route_add(stack->route, &change->route);
		break;
	case CHANGE_RULE:
		err = rule_add(stack->route, &change->rule);
		break;
	case CHANGE_LIMITS:
		err = endpoint_limits_set(stack->generic, stack->mptcp, &change->limits.now);
		break;
	case CHANGE_ENDPOINT:
		err = endpoint_add(stack->generic, stack->mptcp, &change->endpoint);
		break;
	case CHANGE_BACKLOG:
		err = backlog_set(change->backlog.now);
		break;
	case CHANGE_FORWARDING:
		err = forwarding_start(change->forwarding.index, change->forwarding.family);
		break;
	case CHANGE_DEVICE:
		err = is_ports(change->device.index, name) ? 0 : -ENODEV;
		break;
	case CHANGE_BLACKHOLE:
		err = blackhole_shorten();
		break;
	}
	return err == -EEXIST ? 1 : err;
}

/* Both: 1: it is not ours any more. */
static int put_limits(struct netstack *stack, const struct change *ours,
		      const struct endpoint_limits *limits)
{
	struct endpoint_limits is = {0};
	int err = endpoint_limits_get(stack->generic, stack->mptcp, &is);

	if (err < 0 || memcmp(&is, &ours->limits.now, sizeof(is)) != 0)
		return err < 0 ? err : 1;
	return endpoint_limits_set(stack->generic, stack->mptcp, limits);
}

static int put_backlog(const struct change *ours, uint32_t bytes)
{
	uint32_t is;
	int err = backlog_get(&is);

	if (err < 0 || is != ours->backlog.now)
		return err < 0 ? err : 1;
	return backlog_set(bytes);
}

int change_undo(struct netstack *stack, const struct change *change)
{
	char name[IF_NAMESIZE];
	int err = -EINVAL;

	switch (change->kind) {
	case CHANGE_ROUTE:
		err = route_remove(stack->route, &change->route);
		break;
	case CHANGE_RULE:
		err = rule_remove(stack->route, &change->rule);
		break;
	case CHANGE_LIMITS:
		err = put_limits(stack, change, &change->limits.was);
		break;
	case CHANGE_ENDPOINT:
		err = endpoint_remove(stack->generic, stack->mptcp, &change->endpoint);
		break;
	case CHANGE_BACKLOG:
		err = put_backlog(change, change->backlog.was);
		break;
	case CHANGE_FORWARDING:
		err = forwarding_stop(change->forwarding.index, change->forwarding.family);
		break;
	case CHANGE_DEVICE:
		err = is_ports(change->device.index, name)
			      ? nl_remove_device(stack->route, change->device.index)
			      : -ENODEV;
		break;
	case CHANGE_BLACKHOLE:
		err = blackhole_restore();
		break;
	}
	/* Routes leave with their device, addresses and links come and go. */
	return err > 0 || err == -ESRCH || err == -ENOENT || err == -ENODEV ? 0 : err;
}

/* Routes go when their device is switched off, or loses an address, and do not come back with it; what is switched on of a device goes
 * when that is away for a moment. */
bool change_may_vanish(const struct change *change)
{
	return (change->kind == CHANGE_ROUTE && !change->route.thrown) ||
	       change->kind == CHANGE_FORWARDING;
}

static bool address_same(const struct address *a, const struct address *b)
{
	return address_equal(a, b) && a->prefix == b->prefix;
}

static bool route_equal(const struct route *a, const struct route *b)
{
	return address_same(&a->to, &b->to) && address_equal(&a->gateway, &b->gateway) &&
	       address_equal(&a->source, &b->source) && a->table == b->table &&
	       a->metric == b->metric && a->index == b->index && a->thrown == b->thrown &&
	       a->onlink == b->onlink;
}

bool change_equal(const struct change *a, const struct change *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CHANGE_ROUTE:
		return route_equal(&a->route, &b->route);
	case CHANGE_RULE:
		return address_same(&a->rule.from, &b->rule.from) &&
		       a->rule.table == b->rule.table && a->rule.priority == b->rule.priority &&
		       a->rule.personal == b->rule.personal && a->rule.user == b->rule.user;
	case CHANGE_LIMITS:
		return memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0;
	case CHANGE_ENDPOINT:
		return address_equal(&a->endpoint.address, &b->endpoint.address) &&
		       a->endpoint.index == b->endpoint.index &&
		       a->endpoint.flags == b->endpoint.flags;
	case CHANGE_BACKLOG:
		return a->backlog.was == b->backlog.was && a->backlog.now == b->backlog.now;
	case CHANGE_FORWARDING:
		return a->forwarding.index == b->forwarding.index &&
		       a->forwarding.family == b->forwarding.family;
	case CHANGE_DEVICE:
		return a->device.index == b->device.index;
	case CHANGE_BLACKHOLE:
		return true;
	}
	return false;
}

static bool is_number(enum change_kind kind)
{
	return kind == CHANGE_LIMITS || kind == CHANGE_BACKLOG;
}

bool change_rivals(const struct change *a, const struct change *b)
{
	if (a->kind != b->kind || change_equal(a, b))
		return false;
	return is_number(a->kind) || (a->kind == CHANGE_ENDPOINT &&
				      address_equal(&a->endpoint.address, &b->endpoint.address));
}

bool change_prevails(const struct change *a, const struct change *b)
{
	if (a->kind == CHANGE_LIMITS)
		return a->limits.now.subflows > b->limits.now.subflows;
	return a->kind == CHANGE_BACKLOG && a->backlog.now > b->backlog.now;
}

bool change_is_mild(const struct change *was, const struct change *now)
{
	uint32_t differ = was->endpoint.flags ^ now->endpoint.flags;

	return was->kind == CHANGE_ENDPOINT && change_rivals(was, now) &&
	       was->endpoint.index == now->endpoint.index && differ == MPTCP_PM_ADDR_FLAG_BACKUP;
}

int change_replace(struct netstack *stack, const struct change *was, const struct change *now)
{
	if (change_is_mild(was, now))
		return endpoint_set_backup(stack->generic, stack->mptcp, &now->endpoint);
	if (was->kind == CHANGE_LIMITS)
		return put_limits(stack, was, &now->limits.now);
	if (was->kind == CHANGE_BACKLOG)
		return put_backlog(was, now->backlog.now);
	change_undo(stack, was);
	return change_apply(stack, now);
}

static void route_text(const struct route *route, char *text, size_t size)
{
	char to[ADDRESS_TEXT_MAX], via[ADDRESS_TEXT_MAX + 5] = "", name[IF_NAMESIZE] = "";
	char dev[IF_NAMESIZE + 8] = "";

	if (route->gateway.family) {
		strcpy(via, " via ");
		address_text(&route->gateway, via + 5);
	}
	if (route->index && if_indextoname(route->index, name))
		snprintf(dev, sizeof(dev), " dev %s", name);
	snprintf(text, size, "route %s%s%s%s table %u", route->thrown ? "throw " : "",
		 route->to.prefix ? address_text_prefix(&route->to, to) : "default", via, dev,
		 route->table);
}

const char *change_text(const struct change *change, char *text, size_t size)
{
	char address[ADDRESS_TEXT_MAX], name[IF_NAMESIZE] = "", user[40] = "";

	switch (change->kind) {
	case CHANGE_ROUTE:
		route_text(&change->route, text, size);
		break;
	case CHANGE_RULE:
		if (change->rule.personal)
			snprintf(user, sizeof(user), " uidrange %u-%u", change->rule.user,
				 change->rule.user);
		snprintf(text, size, "rule %u: from %s%s lookup %u", change->rule.priority,
			 change->rule.from.prefix ? address_text(&change->rule.from, address)
						  : "all",
			 user, change->rule.table);
		break;
	case CHANGE_LIMITS:
		snprintf(text, size, "mptcp limits: subflows %u, add_addr_accepted %u",
			 change->limits.now.subflows, change->limits.now.add_addr_accepted);
		break;
	case CHANGE_ENDPOINT:
		if_indextoname(change->endpoint.index, name);
		snprintf(text, size, "mptcp endpoint %s dev %s%s%s",
			 address_text(&change->endpoint.address, address), name,
			 change->endpoint.flags & MPTCP_PM_ADDR_FLAG_SUBFLOW ? " subflow" : "",
			 change->endpoint.flags & MPTCP_PM_ADDR_FLAG_BACKUP ? " backup" : "");
		break;
	case CHANGE_BACKLOG:
		snprintf(text, size, "tcp_wmem up to %u", change->backlog.now);
		break;
	case CHANGE_FORWARDING:
		if_indextoname(change->forwarding.index, name);
		snprintf(text, size, "forwarding of %s that comes in by %s",
			 change->forwarding.family == AF_INET ? "IPv4" : "IPv6", name);
		break;
	case CHANGE_DEVICE:
		if_indextoname(change->device.index, name);
		snprintf(text, size, "device %s", name);
		break;
	case CHANGE_BLACKHOLE:
		snprintf(text, size,
			 "mptcp blackhole timeout of a second (net.mptcp.blackhole_timeout)");
		break;
	}
	return text;
}
