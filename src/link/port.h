/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: the packets of one of the host's links, for a network stack other than the host's. It is a descriptor that carries
 * Ethernet frames, each behind a struct virtio_net_hdr of 10 bytes (little-endian; one read() or readv() for a frame, one
 * writev() sends one), so that large segments and unfinished checksums pass both ways. What the stack has to be set up with
 * is in struct port.
 *
 * Shared: the stack has the link's own addresses and hardware address, and what tells its packets from the host's are port
 * numbers, of TCP and UDP alike. Those are held on the host by sockets that listen and take nothing, by a filter
 * that lets no packet pass: so nobody else on the host is given them, and the host answers nothing that comes for them.
 * The descriptor is a packet socket; its filter lets pass what is for held ports, answers of neighbour discovery, and what
 * ICMP reports of packets (port_filter.h). No address, route or rule of the host is touched, and all of it goes with the
 * descriptors. What the host sends to its own addresses never reaches a link, so the two do not see each other.
 *
 * Whoever has such a descriptor can send any packet out over the link, and read what is for the host if it takes the filter
 * off: it is for callers who could open a packet socket themselves.
 */
#pragma once

#include "base/err.h"
#include "link/links.h"

#include <net/ethernet.h>
#include <stdint.h>

/* Plain data, which can be sent to another process. */
struct port {
	unsigned link; /* index of the host's device */
	char name[IFNAMSIZ];
	enum link_kind kind;
	uint8_t mac[ETH_ALEN]; /* that the stack's device must have */
	unsigned mtu;
	bool up; /* the link is: switched on, and with carrier */
	struct address
		addresses[LINK_ADDRESSES_MAX]; /* the stack's, with their networks' prefixes */
	unsigned address_count;
	struct address gateways[2]; /* the next hop of IPv4, of IPv6; family 0: none */
};

/* Inclusive. The stack takes the ports of its own connections from here. */
struct port_range {
	uint16_t first, last;
};

/* What a port shared with @link is: as the link is now. */
void port_describe(const struct links *links, const struct link *link,
		   const uint8_t mac[static ETH_ALEN], struct port *ret);

/* The port of @links now that was @port: not up if its link is gone. */
void port_refresh(const struct links *links, struct port *port);

/* Do both need the same set-up of the stack? */
bool port_equal(const struct port *a, const struct port *b);

/* Sets the stack's device @index up for the port @now. @was: for what it is set up so far; NULL: it is new, and gets the
 * link's name, too. The stack's @nl is NETLINK_ROUTE. */
int port_apply(struct nl *nl, unsigned index, const struct port *was, const struct port *now);

#define PORT_RANGE_SIZE 512 /* a power of two */
#define PORT_SINGLE_MAX 32

struct port_hold;

/* Holds PORT_RANGE_SIZE ports, aligned to that, in the calling thread's network namespace. Raises the process's limit of
 * descriptors. Close with port_hold_close(). */
int port_hold_open(struct port_hold **ret, struct err *err);
void port_hold_close(struct port_hold *ports);
struct port_range port_hold_range(const struct port_hold *ports);

/* Holds one port more, to listen on. -EADDRINUSE: somebody on the host has it; -EACCES: it is for privileged users;
 * -ENOSPC: PORT_SINGLE_MAX are held. 0 also if it is held already. */
int port_hold_add(struct port_hold *ports, uint16_t port);
void port_hold_remove(struct port_hold *ports, uint16_t port);

/* A descriptor for the packets of the device @index on held ports, the caller's, with the device's hardware address in @mac.
 * It needs CAP_NET_RAW. */
int port_open_shared(const struct port_hold *ports, unsigned index, uint8_t mac[static ETH_ALEN],
		     struct err *err);
/* The ports held have changed. */
int port_refilter(const struct port_hold *ports, int fd);
