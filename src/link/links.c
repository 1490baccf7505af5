/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/links.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 20

static bool is_up(const struct ifinfomsg *info)
{
	return (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_LOWER_UP);
}

static int link_answer(const struct nlmsghdr *msg, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct links *links = data;
	struct link link = {.index = (unsigned)info->ifi_index};
	const char *driver = "", *alias = "";
	const struct nlattr *attr, *inner;
	struct link *grown;

	mnl_attr_for_each(attr, msg, sizeof(*info))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			strncpy(link.name, mnl_attr_get_str(attr), sizeof(link.name) - 1);
			break;
		case IFLA_MTU:
			link.mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_IFALIAS:
			alias = mnl_attr_get_str(attr);
			break;
		case IFLA_LINKINFO:
			mnl_attr_for_each_nested(inner, attr)
			{
				if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
					driver = mnl_attr_get_str(inner);
			}
			break;
		default:
			break;
		}
	}
	link.up = is_up(info);
	link.kind = link_classify(info->ifi_type, link.name, driver, alias);

	grown = reallocarray(links->all, links->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	links->all = grown;
	links->all[links->count++] = link;
	return 0;
}

static struct link *by_index(const struct links *links, unsigned index)
{
	for (unsigned i = 0; i < links->count; i++)
		if (links->all[i].index == index)
			return &links->all[i];
	return NULL;
}

static int address_answer(const struct nlmsghdr *msg, void *data)
{
	const unsigned unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_OPTIMISTIC;
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);
	struct link *link = by_index(data, info->ifa_index);
	uint32_t flags = info->ifa_flags;
	struct address address = {0};
	const struct nlattr *attr;
	bool local = false;

	if (!link || info->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	mnl_attr_for_each(attr, msg, sizeof(*info))
	{
		unsigned type = mnl_attr_get_type(attr);

		if (type == IFA_FLAGS)
			flags = mnl_attr_get_u32(attr);
		/* On a point-to-point link IFA_ADDRESS is the other end's. */
		if ((type == IFA_ADDRESS && !local) || type == IFA_LOCAL) {
			local = local || type == IFA_LOCAL;
			address.family = info->ifa_family;
			address.prefix = info->ifa_prefixlen;
			if (mnl_attr_get_payload_len(attr) < address_size(&address))
				return -EPROTO;
			memcpy(address.bytes, mnl_attr_get_payload(attr), address_size(&address));
		}
	}
	if (!address.family || (flags & unusable) || address_is_link_local(&address))
		return 0;
	if (!(flags & IFA_F_DEPRECATED) && link->address_count < LINK_ADDRESSES_MAX)
		link->addresses[link->address_count++] = address;
	else if (link->fading_count < LINK_ADDRESSES_MAX)
		link->fading[link->fading_count++] = address;
	return 0;
}

static int route_keep(const struct route *route, void *data)
{
	struct links *links = data;
	struct route *grown;

	if (!by_index(links, route->index))
		return 0;
	grown = reallocarray(links->routes, links->route_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	links->routes = grown;
	links->routes[links->route_count++] = *route;
	return 0;
}

static int read_once(struct nl *nl, struct links *ret)
{
	struct links links = {0};
	int err;

	nl_start(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	err = nl_dump(nl, link_answer, &links);
	if (err == 0) {
		nl_start(nl, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
		err = nl_dump(nl, address_answer, &links);
	}
	if (err == 0)
		err = route_dump(nl, route_keep, &links);
	if (err < 0) {
		links_free(&links);
		return err;
	}
	links.far[0] = route_far(nl, AF_INET);
	links.far[1] = route_far(nl, AF_INET6);
	*ret = links;
	return 0;
}

/* What changes while the kernel tells of it may be missing, or be told of twice: it is asked again. */
int links_read(struct nl *nl, struct links *ret)
{
	int err = -EINTR;

	for (unsigned i = 0; i < TRIES && err == -EINTR; i++)
		err = read_once(nl, ret);
	return err;
}

static int down_answer(const struct nlmsghdr *msg, void *data)
{
	bool *down = data;

	*down = !is_up(mnl_nlmsg_get_payload(msg));
	return 0;
}

bool links_is_down(struct nl *nl, unsigned index)
{
	struct nlmsghdr *msg = nl_start(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	bool down = false;

	info->ifi_index = (int)index;
	return nl_talk(nl, down_answer, &down) == -ENODEV || down;
}

void links_free(struct links *links)
{
	free(links->all);
	free(links->routes);
	*links = (struct links){0};
}

const struct link *links_by_index(const struct links *links, unsigned index)
{
	return by_index(links, index);
}

static bool is_among(const struct address *all, unsigned count, const struct address *address)
{
	for (unsigned i = 0; i < count; i++)
		if (address_equal(&all[i], address))
			return true;
	return false;
}

bool link_keeps(const struct link *link, const struct address *address)
{
	return is_among(link->addresses, link->address_count, address) ||
	       is_among(link->fading, link->fading_count, address);
}

const struct link *links_by_address(const struct links *links, const struct address *address)
{
	for (unsigned i = 0; i < links->count; i++)
		if (is_among(links->all[i].addresses, links->all[i].address_count, address))
			return &links->all[i];
	return NULL;
}

const struct route *links_default(const struct links *links, const struct link *link,
				  sa_family_t family)
{
	const struct route *best = NULL;

	for (unsigned i = 0; i < links->route_count; i++) {
		const struct route *route = &links->routes[i];

		if (route->index == link->index && route->to.family == family &&
		    route->to.prefix == 0 && (!best || route->metric < best->metric))
			best = route;
	}
	return best;
}

bool links_lead_out(const struct links *links, const struct link *link)
{
	return links_default(links, link, AF_INET) || links_default(links, link, AF_INET6);
}

const struct address *links_next_hop(const struct links *links, const struct link *link)
{
	const struct route *route = links_default(links, link, AF_INET);

	if (!route || !route->gateway.family)
		route = links_default(links, link, AF_INET6);
	return route && route->gateway.family ? &route->gateway : NULL;
}
