/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: the packets of one of the host's links, for a network stack other than the host's. It is a descriptor that carries
 * Ethernet frames, each behind a struct virtio_net_hdr of 10 bytes (little-endian; one read() or readv() for a frame, one
 * writev() sends one), so that large segments and unfinished checksums pass both ways. What the stack has to be set up with
 * is in struct port. There are two ways to have one, rows of the table port_ways:
 *
 * Shared: the stack has the link's own addresses and hardware address, and what tells its packets from the host's are port
 * numbers, of TCP and, if it has UDP, of that alike. Those are held on the host by sockets that listen and take nothing, by a filter
 * that lets no packet pass: so nobody else on the host is given them, and the host answers nothing that comes for them.
 * The descriptor is a packet socket; its filter lets pass what is for held ports, answers of neighbour discovery, and what
 * ICMP reports of packets (port_filter.h). No address, route or rule of the host is touched, and all of it goes with the
 * descriptors. What the host sends to its own addresses never reaches a link, so the two do not see each other.
 *
 * Whoever has such a descriptor can send any packet out over the link, and read what is for the host if it takes the filter
 * off: it is for callers who could open a packet socket themselves.
 *
 * Nat: the stack is behind the host, in a network of its own (port_nat.h), and the host forwards and translates: for links
 * whose packets have no Ethernet header (a modem's, PPP), and for who has no packet sockets. What a stack sends comes from its
 * own address or is dropped, leaves by the port's link or not at all, and nothing comes to it but answers and what is for
 * ports that it listens on: so it is harmless to give out. It costs the host a routing table of the link, which
 * multipath.h makes, a rule, and forwarding of what comes in by the link.
 */
#pragma once

#include "base/err.h"
#include "link/change.h"
#include "link/links.h"

#include <net/ethernet.h>
#include <stdint.h>

enum port_kind { PORT_SHARED, PORT_NAT, PORT_KINDS };

#define PORTS_MAX 8 /* that one stack has */

/* Plain data, which can be sent to another process. */
struct port {
	enum port_kind way;
	unsigned
		serial; /* of those that its stack was given: what has another one in its place is another port */
	unsigned link; /* index of the host's device; 0: it is gone */
	char name[IFNAMSIZ];
	enum link_kind kind;
	uint8_t mac[ETH_ALEN]; /* that the stack's device must have */
	unsigned mtu;
	bool up; /* the link is: switched on, and with carrier */
	struct address
		addresses[LINK_ADDRESSES_MAX]; /* the stack's, with their networks' prefixes */
	unsigned address_count;
	struct address gateways[2]; /* the next hop of IPv4, of IPv6; family 0: none */
	struct address networks[2]; /* PORT_NAT: between host and stack; family 0: none */
	unsigned device;            /* PORT_NAT: the host's end of it; its index */
};

/* How many ports are held at first (powers of two) for a stack that asks for more when it needs them, and for one that cannot; in
 * all no more than the last. Each time there are as many again. */
#define PORTS_FEW       64
#define PORTS_MANY      512
#define PORTS_ALL       8192
#define PORT_RANGES_MAX 8
#define PORT_SINGLE_MAX 32

/* Inclusive. */
struct port_range {
	uint16_t first, last;
};

/* The stack takes the ports of its own connections from here. */
struct port_ranges {
	uint32_t count;
	struct port_range all[PORT_RANGES_MAX];
};

bool port_ranges_have(const struct port_ranges *ranges, uint16_t port);

/* What @port is when its link is gone. */
void port_forget(struct port *port);
/* The port of @links now that was @port. If its link is gone it is not up, and never will be: should a link come that has the
 * same index and name, it is another one, of which this port's descriptor sees nothing. */
void port_refresh(const struct links *links, struct port *port);

/* The same for @count of them. Has any changed, so that the stack needs another set-up (port_equal())? */
bool ports_refresh(const struct links *links, struct port *ports, unsigned count);

/* Do both need the same set-up of the stack? */
bool port_equal(const struct port *a, const struct port *b);

/* The stack's device @index had the port @was, and is to have @now: if that is another one, or its link is gone, what it has of @was goes,
 * its name as well. Comes for all devices before port_apply() does for any. */
int port_leave(struct nl *nl, unsigned index, const struct port *was, const struct port *now);
/* Sets the stack's device @index up for the port @now. @was: for what it is set up so far; NULL: it is new, and gets the
 * link's name, too. The stack's @nl is NETLINK_ROUTE. */
int port_apply(struct nl *nl, unsigned index, const struct port *was, const struct port *now);

struct port_hold;

/* Holds nothing yet, in the calling thread's network namespace, and @first ports with its first range. @udp: those of UDP as well; without
 * it UDP stays with the host, on the same ports too. Close with port_hold_close(). */
int port_hold_open(struct port_hold **ret, unsigned first, bool udp, struct err *err);
bool port_hold_has_udp(const struct port_hold *ports);
void port_hold_close(struct port_hold *ports);
/* Holds a range more, of as many ports as are held in ranges. Raises the process's limit of descriptors. -ENOSPC: PORTS_ALL are
 * held. */
int port_hold_take_range(struct port_hold *ports, struct err *err);
/* Where no range is held: what Linux takes by itself, for a stack that has all its ports for itself. */
struct port_ranges port_hold_ranges(const struct port_hold *ports);
bool port_hold_has_range(const struct port_hold *ports);

/* Holds one port more, to listen on. -EADDRINUSE: somebody on the host has it; -EACCES: it is for privileged users;
 * -ENOSPC: PORT_SINGLE_MAX are held. 0 also if it is held already. */
int port_hold_add(struct port_hold *ports, uint16_t port);
const uint16_t *port_hold_singles(const struct port_hold *ports, unsigned *ret_count);

/* For every packet socket of the ports held, as they are now. */
int port_hold_filter(const struct port_hold *ports, int fd);

/* The host's end of a port. */
struct port_end {
	struct port port;
	int fd;    /* owned: the one to give out copies of */
	void *own; /* of the way's; owned */
};

/* What a port's link needs of the host; the link's table (multipath.h) comes before. */
#define PORT_NEEDS_MAX 5

/* Where ports are opened: in the calling thread's network namespace. All borrowed. */
struct port_place {
	struct port_hold *held;
	const struct links *links;
	const struct change *ours; /* what runs have changed there */
	unsigned our_count;
};

struct port_way {
	const char *name, *summary;
	/* The port is for the link as it is now: addresses, gateways. Pure. */
	void (*describe)(const struct links *links, const struct link *link, struct port *port);
	/* Opens the end of a port of @link; of @end->port what it has from there (port_open()). */
	int (*open)(const struct port_place *place, const struct link *link, struct port_end *end,
		    struct err *err);
	/* @number is held since now. */
	int (*reach)(struct port_end *end, const struct port_hold *held, uint16_t number,
		     struct err *err);
	/* @held has a range more. NULL: it takes all that it may anyway. */
	int (*widen)(struct port_end *end, const struct port_hold *held, struct err *err);
	/* What may be in the way of its packets, in words; NULL: nothing that is known. */
	const char *(*warn)(const struct port_end *end);
	/* Their number. Pure. */
	unsigned (*needs)(const struct port *port, struct change ret[static PORT_NEEDS_MAX]);
	void (*close)(struct port_end *end);
};
extern const struct port_way port_shared, port_nat;
extern const struct port_way *const port_ways[PORT_KINDS];

/* Opens the end of a port of @link. Close with port_close(). */
int port_open(enum port_kind way, const struct port_place *place, const struct link *link,
	      struct port_end *ret, struct err *err);
void port_close(struct port_end *end);
