/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way "nat" to a port (port.h): between host and stack is a TAP with two small networks of its own, in which the host has the
 * first address and the stack the second. A table of nftables with the same name goes with the descriptors of the process that made
 * them. The TAP does not, for the stack has a descriptor of it: it is a change that is taken back (link/change.h), because what comes by
 * it without the table may go anywhere.
 *
 * That table sees to it that
 *  - what comes from the stack bears its address, and leaves by the port's link; else a policy could be got around, or a VPN;
 *  - to the stack go answers, and what is for ports that it listens on;
 *  - the host is a router for nobody else because forwarding is on for the port's link. Another way for packets of other ports
 *    is their own table's affair.
 */
#pragma once

#include "link/port.h"

#define PORT_NAT_DEVICE "rvnat" /* and a number, which is that of the networks, too */
#define PORT_NAT_MAX    16384

/* The networks of device @number, where @links are; a family that the host does not forward (@can) has none. Pure. */
void port_nat_networks(const struct links *links, unsigned number, const bool can[static 2],
		       struct address ret[static 2]);
struct address port_nat_stack(const struct address *network);

struct nat_rules;
/* Puts up the table of @port, whose TAP is @device, with the index @index. @router: the host forwards packets of that family by
 * itself, for others. The caller closes with nat_rules_close(). */
int nat_rules_open(const char *device, unsigned index, const struct port *port,
		   const bool router[static 2], struct nat_rules **ret, struct err *err);
/* What comes for port @number of the host goes to the stack. */
int nat_rules_reach(struct nat_rules *rules, const struct port *port, uint16_t number, bool udp,
		    struct err *err);
/* Does somebody else's table drop what is forwarded unless told otherwise? */
bool nat_rules_hindered(struct nat_rules *rules);
void nat_rules_close(struct nat_rules *rules);
