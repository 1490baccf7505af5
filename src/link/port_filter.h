/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a shared port (port.h) receives of its link, as a program of classic BPF. Pure. Of what is sent to the host's own
 * hardware address:
 *  - TCP and, for a stack that has it, UDP, of IPv4 and IPv6, to the ports given; of a fragmented packet nothing, for only its first
 *    piece tells;
 *  - answers to ARP, but no questions, and neighbour advertisements: the host itself answers for its address;
 *  - ICMP: unreachable, too big, time exceeded, echo replies.
 */
#pragma once

#include "link/port.h"

#include <linux/filter.h>

#define PORT_FILTER_MAX (64 + 4 * PORT_SINGLE_MAX + 4 * PORT_RANGES_MAX)

/* The number of instructions in @ret. */
unsigned port_filter(const struct port_ranges *ranges, const uint16_t *singles, unsigned count,
		     bool udp, struct sock_filter ret[static PORT_FILTER_MAX]);
