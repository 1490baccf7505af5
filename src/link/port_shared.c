/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port by the link's own addresses (port.h). */
#include "base/cleanup.h"
#include "link/port.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

/* Of what a packet socket has received and the stack not yet taken; and of what the link has not yet sent. */
#define RECEIVE_BUFFER (8 << 20)
#define SEND_BUFFER    (1 << 20)

/* One of the other family would be asked from a link-local address, which the stack has none of. */
static void take_gateway(const struct links *links, const struct link *link, sa_family_t family,
			 struct address *ret)
{
	const struct route *route = links_default(links, link, family);

	*ret = route && route->gateway.family == family ? route->gateway : (struct address){0};
}

static void describe(const struct links *links, const struct link *link, struct port *port)
{
	port->mtu = link->mtu;
	port->up = link->up;
	memcpy(port->addresses, link->addresses, sizeof(port->addresses));
	port->address_count = link->address_count;
	take_gateway(links, link, AF_INET, &port->gateways[0]);
	take_gateway(links, link, AF_INET6, &port->gateways[1]);
}

static int open_packets(unsigned index, uint8_t *mac)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = {1, &nothing};
	/* Of no protocol, so that nothing is received before the filter is there. */
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)index,
				 .sll_protocol = htons(ETH_P_ALL)};
	struct sockaddr_ll is = {0};
	socklen_t size = sizeof(is);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		return -errno;
	/* From a kernel that does not know it, our own packets come back: the filter drops them. */
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1}, sizeof(int));
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &(int){1}, sizeof(int)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){RECEIVE_BUFFER}, sizeof(int)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_BUFFER}, sizeof(int));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){SEND_BUFFER}, sizeof(int)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&is, &size) < 0)
		return -errno;
	if (is.sll_halen != ETH_ALEN)
		return -EMEDIUMTYPE;
	memcpy(mac, is.sll_addr, ETH_ALEN);
	return steal_fd(&fd);
}

/* Ports are held only for a link that can be shared. */
static int open_shared(const struct port_place *place, const struct link *link,
		       struct port_end *end, struct err *err)
{
	_cleanup_close_ int fd = open_packets(link->index, end->port.mac);
	int code;

	if (fd == -EPERM)
		return err_set(err, fd, "packet sockets need CAP_NET_RAW");
	if (fd == -EMEDIUMTYPE)
		return err_set(err, fd, "its packets have no Ethernet header");
	if (fd < 0)
		return err_set(err, fd, "cannot open a packet socket: %s", strerror(-fd));
	code = port_hold_has_range(place->held) ? 0 : port_hold_take_range(place->held, err);
	if (code < 0)
		return code;
	code = port_hold_filter(place->held, fd);
	if (code < 0)
		return err_set(err, code, "cannot filter packets: %s", strerror(-code));
	end->fd = steal_fd(&fd);
	return 0;
}

static int widen(struct port_end *end, const struct port_hold *held, struct err *err)
{
	int code = port_hold_filter(held, end->fd);

	return code < 0 ? err_set(err, code, "%s", strerror(-code)) : 0;
}

static int reach(struct port_end *end, const struct port_hold *held, uint16_t number,
		 struct err *err)
{
	return widen(end, held, err);
}

static const char *warn(const struct port_end *end)
{
	return NULL;
}

static unsigned needs(const struct port *port, struct change ret[static PORT_NEEDS_MAX])
{
	return 0;
}

static void close_shared(struct port_end *end)
{
	end->fd = close_fd(end->fd);
}

const struct port_way port_shared = {
	.name = "shared",
	.summary = "the host's own addresses, some of its ports",
	.describe = describe,
	.open = open_shared,
	.reach = reach,
	.widen = widen,
	.warn = warn,
	.needs = needs,
	.close = close_shared,
};
