/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/route.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

static int get_address(const struct nlattr *attr, sa_family_t family, struct address *ret)
{
	size_t size = family == AF_INET ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) < size)
		return -EPROTO;
	ret->family = family;
	ret->prefix = (uint8_t)(size * 8);
	memcpy(ret->bytes, mnl_attr_get_payload(attr), size);
	return 0;
}

/* A next hop of another family than its route's: IPv4 by an IPv6 gateway. */
static void get_via(const struct nlattr *attr, struct address *ret)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	struct address address = {.family = via->rtvia_family};

	if (mnl_attr_get_payload_len(attr) < sizeof(*via) + 4 ||
	    (via->rtvia_family != AF_INET && via->rtvia_family != AF_INET6) ||
	    mnl_attr_get_payload_len(attr) < sizeof(*via) + address_size(&address))
		return;
	address.prefix = (uint8_t)(address_size(&address) * 8);
	memcpy(address.bytes, via->rtvia_addr, address_size(&address));
	*ret = address;
}

static uint32_t get_metric(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

struct dump {
	route_each each;
	void *data;
};

/* One call of @each for every next hop of RTA_MULTIPATH. */
static int each_hop(const struct nlattr *hops, const struct route *common, struct dump *dump)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	int left = mnl_attr_get_payload_len(hops);

	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		struct route route = *common;
		const struct nlattr *attr;
		int err;

		route.index = (unsigned)hop->rtnh_ifindex;
		route.onlink = hop->rtnh_flags & RTNH_F_ONLINK;
		mnl_attr_for_each_payload((const void *)(hop + 1), hop->rtnh_len - sizeof(*hop))
		{
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				get_address(attr, route.to.family, &route.gateway);
			if (mnl_attr_get_type(attr) == RTA_VIA)
				get_via(attr, &route.gateway);
		}
		err = dump->each(&route, dump->data);
		if (err < 0)
			return err;
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return 0;
}

static int dump_answer(const struct nlmsghdr *msg, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(msg);
	struct dump *dump = data;
	struct route route = {.table = rt->rtm_table, .onlink = rt->rtm_flags & RTNH_F_ONLINK};
	const struct nlattr *attr, *hops = NULL;
	int err = 0;

	if (rt->rtm_type != RTN_UNICAST || (rt->rtm_flags & RTM_F_CLONED))
		return 0;
	route.to.family = rt->rtm_family;
	mnl_attr_for_each(attr, msg, sizeof(*rt))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			err = get_address(attr, rt->rtm_family, &route.to);
			break;
		case RTA_GATEWAY:
			err = get_address(attr, rt->rtm_family, &route.gateway);
			break;
		case RTA_VIA:
			get_via(attr, &route.gateway);
			break;
		case RTA_PREFSRC:
			err = get_address(attr, rt->rtm_family, &route.source);
			break;
		case RTA_OIF:
			route.index = get_metric(attr);
			break;
		case RTA_PRIORITY:
			route.metric = get_metric(attr);
			break;
		case RTA_TABLE:
			route.table = get_metric(attr);
			break;
		case RTA_MULTIPATH:
			hops = attr;
			break;
		default:
			break;
		}
		if (err < 0)
			return err;
	}
	route.to.prefix = rt->rtm_dst_len;
	if (route.table != RT_TABLE_MAIN)
		return 0;
	if (hops)
		return each_hop(hops, &route, dump);
	return dump->each(&route, dump->data);
}

int route_dump(struct nl *nl, route_each each, void *data)
{
	const sa_family_t families[] = {AF_INET, AF_INET6};
	struct dump dump = {each, data};

	for (unsigned i = 0; i < 2; i++) {
		struct nlmsghdr *msg = nl_start(nl, RTM_GETROUTE, 0, sizeof(struct rtmsg));
		struct rtmsg *rt = mnl_nlmsg_get_payload(msg);
		int err;

		rt->rtm_family = (unsigned char)families[i];
		err = nl_dump(nl, dump_answer, &dump);
		if (err < 0)
			return err;
	}
	return 0;
}

static int keep_device(const struct nlmsghdr *msg, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(msg);
	unsigned *index = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(*rt))
	{
		if (mnl_attr_get_type(attr) == RTA_OIF && rt->rtm_type == RTN_UNICAST)
			*index = get_metric(attr);
	}
	return 0;
}

unsigned route_far(struct nl *nl, sa_family_t family)
{
	/* Nothing is sent there; an address that is nobody's, of RFC 5737 and RFC 3849, might be routed nowhere. */
	static const struct address far_away[] = {
		{.family = AF_INET, .prefix = 32, .bytes = {1, 1, 1, 1}},
		{.family = AF_INET6,
		 .prefix = 128,
		 .bytes = {0x26, 0x06, 0x47, 0, 0x47, 0, [15] = 0x11}},
	};
	const struct address *to = &far_away[family == AF_INET6];
	struct nlmsghdr *msg = nl_start(nl, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rt = mnl_nlmsg_get_payload(msg);
	unsigned index = 0;

	rt->rtm_family = (unsigned char)family;
	rt->rtm_dst_len = to->prefix;
	mnl_attr_put(msg, RTA_DST, address_size(to), to->bytes);
	return nl_talk(nl, keep_device, &index) < 0 ? 0 : index;
}

static void put_address(struct nlmsghdr *msg, uint16_t type, const struct address *a)
{
	if (a->family)
		mnl_attr_put(msg, type, address_size(a), a->bytes);
}

static void put_gateway(struct nlmsghdr *msg, const struct route *route)
{
	const struct address *gateway = &route->gateway;
	_Alignas(struct rtvia) uint8_t data[sizeof(struct rtvia) + sizeof(gateway->bytes)];
	struct rtvia *via = (struct rtvia *)data;

	if (!gateway->family || gateway->family == route->to.family) {
		put_address(msg, RTA_GATEWAY, gateway);
		return;
	}
	via->rtvia_family = gateway->family;
	memcpy(via->rtvia_addr, gateway->bytes, address_size(gateway));
	mnl_attr_put(msg, RTA_VIA, sizeof(*via) + address_size(gateway), data);
}

static int route_talk(struct nl *nl, uint16_t type, uint16_t flags, const struct route *route)
{
	struct nlmsghdr *msg = nl_start(nl, type, flags, sizeof(struct rtmsg));
	struct rtmsg *rt = mnl_nlmsg_get_payload(msg);

	rt->rtm_family = (unsigned char)route->to.family;
	rt->rtm_dst_len = route->to.prefix;
	rt->rtm_table = RT_TABLE_UNSPEC;
	rt->rtm_protocol = ROUTE_PROTOCOL;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = route->thrown ? RTN_THROW : RTN_UNICAST;
	if (route->to.family == AF_INET && !route->gateway.family && !route->thrown)
		rt->rtm_scope = RT_SCOPE_LINK;
	if (route->onlink)
		rt->rtm_flags |= RTNH_F_ONLINK;
	if (route->to.prefix)
		put_address(msg, RTA_DST, &route->to);
	put_gateway(msg, route);
	put_address(msg, RTA_PREFSRC, &route->source);
	mnl_attr_put_u32(msg, RTA_TABLE, route->table);
	if (route->metric)
		mnl_attr_put_u32(msg, RTA_PRIORITY, route->metric);
	if (route->index)
		mnl_attr_put_u32(msg, RTA_OIF, route->index);
	return nl_talk(nl, NULL, NULL);
}

int route_add(struct nl *nl, const struct route *route)
{
	return route_talk(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
}

int route_remove(struct nl *nl, const struct route *route)
{
	return route_talk(nl, RTM_DELROUTE, 0, route);
}

static int rule_talk(struct nl *nl, uint16_t type, uint16_t flags, const struct rule *rule)
{
	struct nlmsghdr *msg = nl_start(nl, type, flags, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *header = mnl_nlmsg_get_payload(msg);
	const struct fib_rule_uid_range user = {rule->user, rule->user};

	header->family = (uint8_t)rule->from.family;
	header->src_len = rule->from.prefix;
	header->table = RT_TABLE_UNSPEC;
	header->action = FR_ACT_TO_TBL;
	if (rule->from.prefix)
		put_address(msg, FRA_SRC, &rule->from);
	mnl_attr_put_u32(msg, FRA_TABLE, rule->table);
	mnl_attr_put_u32(msg, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(msg, FRA_PROTOCOL, ROUTE_PROTOCOL);
	if (rule->personal)
		mnl_attr_put(msg, FRA_UID_RANGE, sizeof(user), &user);
	return nl_talk(nl, NULL, NULL);
}

int rule_add(struct nl *nl, const struct rule *rule)
{
	return rule_talk(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int rule_remove(struct nl *nl, const struct rule *rule)
{
	return rule_talk(nl, RTM_DELRULE, 0, rule);
}
