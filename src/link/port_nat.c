/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/port_nat.h"

#include "base/cleanup.h"
#include "link/forwarding.h"
#include "link/multipath.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

/* Of the TAP: a stack sends what its link's MTU lets it, and may be sent more. */
#define MTU_MAX 65521

#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

static const sa_family_t families[] = {AF_INET, AF_INET6};

/* Where networks of IPv4 are cut from, /30 each: the first that nobody has a route to. The last is for measurements (RFC 2544),
 * so that nobody should have. */
static const char *const pools[] = {"10.82.0.0/16", "172.29.0.0/16", "198.18.0.0/16"};

static bool is_taken(const struct links *links, const struct address *pool)
{
	for (unsigned i = 0; i < links->route_count; i++) {
		const struct route *route = &links->routes[i];
		const struct link *link = links_by_index(links, route->index);

		if (route->to.prefix <= 1 || route->to.family != pool->family ||
		    (link && strncmp(link->name, PORT_NAT_DEVICE, strlen(PORT_NAT_DEVICE)) == 0))
			continue;
		if (address_within(&route->to, pool) || address_within(pool, &route->to))
			return true;
	}
	return false;
}

static struct address pool_for(const struct links *links)
{
	struct address pool = {0};

	for (unsigned i = 0; i < ARRAY_SIZE(pools); i++)
		if (address_parse(pools[i], &pool) == 0 && !is_taken(links, &pool))
			break;
	return pool;
}

void port_nat_networks(const struct links *links, unsigned number, const bool can[static 2],
		       struct address ret[static 2])
{
	ret[0] = ret[1] = (struct address){0};
	if (can[0]) {
		ret[0] = pool_for(links);
		ret[0].prefix = 30;
		ret[0].bytes[2] = (uint8_t)(number >> 6);
		ret[0].bytes[3] = (uint8_t)(number << 2);
	}
	if (can[1]) {
		address_parse("fd52:6976:756c:6574::", &ret[1]);
		ret[1].prefix = 112;
		ret[1].bytes[12] = (uint8_t)(number >> 8);
		ret[1].bytes[13] = (uint8_t)number;
	}
}

static struct address numbered(const struct address *network, uint8_t number)
{
	struct address address = *network;
	size_t size = address_size(network);

	if (size)
		address.bytes[size - 1] |= number;
	return address;
}

static struct address host_of(const struct address *network)
{
	return numbered(network, 1);
}

struct address port_nat_stack(const struct address *network)
{
	return numbered(network, 2);
}

static bool has_address(const struct link *link, sa_family_t family)
{
	for (unsigned i = 0; i < link->address_count; i++)
		if (link->addresses[i].family == family)
			return true;
	return false;
}

/* A family is there while the link has an address of it, which its packets can get. */
static void describe(const struct links *links, const struct link *link, struct port *port)
{
	port->mtu = link->mtu;
	port->up = link->up;
	port->address_count = 0;
	for (unsigned i = 0; i < 2; i++) {
		bool leads = port->networks[i].family && has_address(link, families[i]);

		port->gateways[i] = leads ? host_of(&port->networks[i]) : (struct address){0};
		if (leads)
			port->addresses[port->address_count++] = port_nat_stack(&port->networks[i]);
	}
}

static unsigned needs(const struct port *port, struct change ret[static PORT_NEEDS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct address stack = port_nat_stack(&port->networks[i]);

		if (!stack.family)
			continue;
		stack.prefix = (uint8_t)(address_size(&stack) * 8);
		ret[count++] = (struct change){.kind = CHANGE_FORWARDING,
					       .forwarding = {port->link, families[i]}};
		ret[count++] = (struct change){.kind = CHANGE_RULE,
					       .rule = {.from = stack,
							.table = MULTIPATH_TABLE_FIRST + port->link,
							.priority = MULTIPATH_PRIORITY}};
	}
	/* Made already. Whoever takes it back does that first. */
	ret[count++] = (struct change){.kind = CHANGE_DEVICE, .device = {.index = port->device}};
	return count;
}

static int open_tap(char name[static IFNAMSIZ], struct err *err)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = {.ifr_name = PORT_NAT_DEVICE "%d",
				.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	if (fd < 0)
		return err_set(err, -errno, "/dev/net/tun cannot be opened: %s", strerror(errno));
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return err_set(err, -errno, "a TAP device needs CAP_NET_ADMIN: %s",
			       strerror(errno));
	if (ioctl(fd, TUNSETVNETLE, &(int){1}) < 0 || ioctl(fd, TUNSETOFFLOAD, OFFLOADS) < 0)
		return err_set(err, -errno, "a TAP device without offloads: %s", strerror(errno));
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return steal_fd(&fd);
}

static int set(const char *family, const char *device, const char *name, const char *value)
{
	char path[128];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, device, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

static int switch_on(struct nl *nl, unsigned index)
{
	struct nlmsghdr *msg = nl_start_device(nl, index, IFF_UP, IFF_UP);

	mnl_attr_put_u32(msg, IFLA_MTU, MTU_MAX);
	return nl_talk(nl, NULL, NULL);
}

static int add_address(struct nl *nl, unsigned index, const struct address *address)
{
	struct nlmsghdr *msg =
		nl_start(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);

	*info = (struct ifaddrmsg){.ifa_family = (uint8_t)address->family,
				   .ifa_prefixlen = address->prefix,
				   .ifa_index = index,
				   .ifa_flags = IFA_F_NODAD};
	mnl_attr_put(msg, IFA_LOCAL, address_size(address), address->bytes);
	mnl_attr_put(msg, IFA_ADDRESS, address_size(address), address->bytes);
	return nl_talk(nl, NULL, NULL);
}

/* The host's side of the network. It is no link of the host's: nothing of its own making is on it. */
static int set_up(const char *device, unsigned index, const struct port *port)
{
	_cleanup_nl_ struct nl *nl = NULL;
	int code = nl_open(&nl, NETLINK_ROUTE);

	if (port->networks[1].family) {
		set("ipv6", device, "addr_gen_mode", "1");
		set("ipv6", device, "accept_ra", "0");
	}
	if (code == 0)
		code = switch_on(nl, index);
	for (unsigned i = 0; i < 2 && code == 0; i++) {
		struct address host = host_of(&port->networks[i]);

		if (!host.family)
			continue;
		code = add_address(nl, index, &host);
		if (code == 0)
			code = forwarding_start(index, families[i]);
	}
	return code < 0 ? code : 0;
}

static bool is_ours(const struct port_place *place, unsigned index, sa_family_t family)
{
	for (unsigned i = 0; i < place->our_count; i++)
		if (place->ours[i].kind == CHANGE_FORWARDING &&
		    place->ours[i].forwarding.index == index &&
		    place->ours[i].forwarding.family == family)
			return true;
	return false;
}

/* An address of one's own making: of no manufacturer. */
static void make_mac(uint8_t ret[static ETH_ALEN])
{
	if (getrandom(ret, ETH_ALEN, 0) < 0)
		memset(ret, 0x52, ETH_ALEN);
	ret[0] = (uint8_t)((ret[0] & ~1) | 2);
}

static int open_nat(const struct port_place *place, const struct link *link, struct port_end *end,
		    struct err *err)
{
	const bool can[] = {forwarding_can(AF_INET), forwarding_can(AF_INET6)};
	struct nat_rules *rules = NULL;
	bool router[2];
	char name[IFNAMSIZ];
	_cleanup_close_ int fd = open_tap(name, err);
	unsigned long number;
	unsigned index;
	int code;

	if (fd < 0)
		return fd;
	index = if_nametoindex(name);
	number = strtoul(name + strlen(PORT_NAT_DEVICE), NULL, 10);
	if (number >= PORT_NAT_MAX)
		return err_set(err, -ENOSPC, "there are too many");
	for (unsigned i = 0; i < 2; i++)
		router[i] = forwarding_is(link->index, families[i]) &&
			    !is_ours(place, link->index, families[i]);
	make_mac(end->port.mac);
	port_nat_networks(place->links, (unsigned)number, can, end->port.networks);
	code = nat_rules_open(name, index, &end->port, router, &rules, err);
	if (code < 0)
		return code;
	code = set_up(name, index, &end->port);
	if (code < 0) {
		nat_rules_close(rules);
		return err_set(err, code, "%s cannot be set up: %s", name, strerror(-code));
	}
	end->port.device = index;
	end->own = rules;
	end->fd = steal_fd(&fd);
	return 0;
}

static int reach(struct port_end *end, const struct port_hold *held, uint16_t number,
		 struct err *err)
{
	return nat_rules_reach(end->own, &end->port, number, port_hold_has_udp(held), err);
}

static const char *warn(const struct port_end *end)
{
	return nat_rules_hindered(end->own)
		       ? "a firewall here drops what is forwarded (a chain with hook forward and "
			 "policy drop): it has to let pass what comes and goes by " PORT_NAT_DEVICE
			 "*"
		       : NULL;
}

/* The client may have a descriptor of the device still, and without the rules its packets would go anywhere, from any address. */
static void remove_device(int fd)
{
	_cleanup_nl_ struct nl *nl = NULL;
	struct ifreq request = {0};
	unsigned index;

	if (ioctl(fd, TUNGETIFF, &request) < 0 || nl_open(&nl, NETLINK_ROUTE) < 0)
		return;
	index = if_nametoindex(request.ifr_name);
	if (index)
		nl_remove_device(nl, index);
}

static void close_nat(struct port_end *end)
{
	remove_device(end->fd);
	nat_rules_close(end->own);
	end->own = NULL;
	end->fd = close_fd(end->fd);
}

const struct port_way port_nat = {
	.name = "nat",
	.summary = "addresses of its own, which the host translates",
	.describe = describe,
	.open = open_nat,
	.reach = reach,
	.warn = warn,
	.needs = needs,
	.close = close_nat,
};
