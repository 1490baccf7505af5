/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/watch.h"

#include "link/route.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

int watch_open(struct nl **ret)
{
	const unsigned groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				   RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
				   RTNLGRP_IPV6_RULE};
	_cleanup_nl_ struct nl *nl = NULL;
	int err = nl_open(&nl, NETLINK_ROUTE);

	for (unsigned i = 0; err == 0 && i < sizeof(groups) / sizeof(*groups); i++)
		err = nl_join(nl, groups[i]);
	if (err < 0)
		return err;
	*ret = nl;
	nl = NULL;
	return 0;
}

/* What is in the tables of links (multipath.h) is of our own making; what a port has put into the main one (port_apply()) is
 * what to go by. */
static bool is_news(const struct rtmsg *route)
{
	return route->rtm_type == RTN_UNICAST &&
	       (route->rtm_protocol != ROUTE_PROTOCOL || route->rtm_table == RT_TABLE_MAIN);
}

/* By a rule a VPN may get all that has a default route of its own; ours are for what we know. */
static bool is_foreign(const struct nlmsghdr *msg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(attr) == FRA_PROTOCOL &&
		    mnl_attr_validate(attr, MNL_TYPE_U8) == 0 &&
		    mnl_attr_get_u8(attr) == ROUTE_PROTOCOL)
			return false;
	}
	return true;
}

struct news {
	bool changed;
	watch_gone gone; /* NULL: nobody wants to know */
	void *data;
};

static int judge(const struct nlmsghdr *msg, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(msg);
	const struct rtmsg *route = mnl_nlmsg_get_payload(msg);
	struct news *news = data;

	switch (msg->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		news->changed = news->changed || is_news(route);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		news->changed = news->changed || is_foreign(msg);
		break;
	case RTM_DELLINK: /* of a family: it leaves a bridge */
		if (news->gone && link->ifi_family == AF_UNSPEC)
			news->gone((unsigned)link->ifi_index, news->data);
		/* fall through */
	default:
		news->changed = true;
		break;
	}
	return 0;
}

bool watch_changed_or_gone(struct nl *nl, watch_gone gone, void *data)
{
	struct news news = {.gone = gone, .data = data};

	return nl_receive(nl, judge, &news) < 0 || news.changed;
}

bool watch_changed(struct nl *nl)
{
	return watch_changed_or_gone(nl, NULL, NULL);
}
