/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MPTCP endpoints and limits of a network stack: the kernel's path manager over generic netlink
 * (family "mptcp_pm", linux/mptcp.h). An endpoint with the flag subflow makes the path manager open
 * a further subflow from that address in every connection (RFC 8684, section 3.2).
 */
#pragma once

#include "base/address.h"
#include "base/clock.h"
#include "base/netlink.h"

#include <stdint.h>

struct endpoint {
	struct address address;
	unsigned index; /* of the device that its subflows are bound to */
	uint32_t flags; /* MPTCP_PM_ADDR_FLAG_* */
	uint8_t id;     /* given by the kernel */
};

struct endpoint_limits {
	uint32_t subflows;          /* further subflows of a connection, 0..8 */
	uint32_t add_addr_accepted; /* addresses that a peer announces and we use, 0..8 */
};

#define ENDPOINT_MAX 8 /* of the kernel's path manager */

/* @nl is a NETLINK_GENERIC socket, @family what nl_family(nl, "mptcp_pm", ...) said. */
typedef int (*endpoint_each)(const struct endpoint *endpoint, void *data);
int endpoint_dump(struct nl *nl, uint16_t family, endpoint_each each, void *data);
/* -EEXIST: that address is one already. */
int endpoint_add(struct nl *nl, uint16_t family, const struct endpoint *endpoint);
/* Found by its address, whatever its id; -ENOENT where there is none. Closes its subflows. */
int endpoint_remove(struct nl *nl, uint16_t family, const struct endpoint *endpoint);
/* Closes, in every connection, the subflow that it began with, if that is from this address. -ENOENT: there is none. */
int endpoint_drop_initial(struct nl *nl, uint16_t family, const struct address *address);
/* Gives an endpoint, found by its address, the flag MPTCP_PM_ADDR_FLAG_BACKUP of @endpoint, or takes it away, and tells the peers of
 * the subflows that there are (RFC 8684, section 3.3.8): none is closed. Of a connection with several from this address it is
 * the first. */
int endpoint_set_backup(struct nl *nl, uint16_t family, const struct endpoint *endpoint);
/*
 * Lets the peers hear at once where this end stands, of each connection over the first subflow from each address of the device @index
 * that is an endpoint: for a link that was dead and is back.
 *
 * A sender that hears nothing doubles its timeout each time (RFC 6298, section 5.5), and after seven seconds of an outage does not
 * try again for six. What it tries has often arrived, for the outage swallowed the acknowledgements that were under way; with those it goes on
 * within a first timeout (section 5.7). The path manager sends one whenever an endpoint's flag changes, to say so (MP_PRIO, RFC 8684,
 * section 3.3.8). So the flag is changed and changed back.
 */
int endpoint_tell(struct nl *nl, uint16_t family, unsigned index);
#define ENDPOINT_TELL_AFTER NS_PER_S /* of an outage: timeouts are not long before */
int endpoint_limits_get(struct nl *nl, uint16_t family, struct endpoint_limits *ret);
int endpoint_limits_set(struct nl *nl, uint16_t family, const struct endpoint_limits *limits);

/* Opens a socket on which the path manager announces that connections are established, and that subflows come and go, for
 * nl_receive(); it takes CAP_NET_ADMIN. The caller closes it with nl_close(). */
int endpoint_watch(struct nl **ret);
