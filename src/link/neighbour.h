/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the next hop on a link whether it is there, by the kernel's own neighbour discovery (ARP, RFC 4861). */
#pragma once

#include "base/address.h"
#include "base/netlink.h"

enum neighbour_state {
	NEIGHBOUR_UNKNOWN, /* nobody has asked, or it did not answer long ago */
	NEIGHBOUR_ASKED,   /* no answer yet */
	NEIGHBOUR_THERE    /* it answered within the last second */
};

/* What the kernel knows of @address on device @index; negative errno: it cannot tell. */
int neighbour_state(struct nl *nl, unsigned index, const struct address *address);

/* Makes the kernel ask now, whatever it knows; -EPERM without CAP_NET_ADMIN. The answer shows in neighbour_state(). */
int neighbour_ask(struct nl *nl, unsigned index, const struct address *address);
