/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wire end: the network device that a lab's host sees, and the descriptor over which the emulator
 * reads the frames that the host sends and writes those that it shall get. Whole Ethernet frames
 * without checksum, never longer than the device's MTU and WIRE_HEADER_MAX: no offloads.
 *
 * One table of operations per way to make such a device; nobody outside asks which one it is.
 */
#pragma once

#include "base/err.h"
#include "base/netlink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_HEADER_MAX 18 /* Ethernet, with one VLAN tag */

/* Every kind of wire begins with this. */
struct wire {
	const struct wire_ops *ops;
	int fd; /* readable when read() has something; owned by the wire */
};

/* Where a wire end is made. All borrowed. */
struct wire_place {
	struct nl *host; /* rtnetlink of the host's namespace */
	int host_ns;     /* the host's network namespace */
	int wires_ns;    /* the emulator's own, which no host sees */
	unsigned number; /* of this wire: for names in the emulator's namespace... */
	unsigned count;  /* ...and how many there are in the lab, to share memory */
};

struct wire_ops {
	const char *name;
	/* Makes the device @name, down, in the host. The calling thread is in the emulator's
	 * namespace and is there again afterwards. -ENOTSUP: this machine or user cannot have this
	 * kind; try another. It is there for as long as the lab's
	 * processes are. */
	int (*open)(const struct wire_place *place, const char *name, unsigned mtu,
		    struct wire **ret, struct err *err);
	/* The next frame that the host has sent: its size, or -EAGAIN when there is none now. */
	ssize_t (*read)(struct wire *wire, uint8_t *data, size_t size);
	/* Gives the host a frame; -EAGAIN or -ENOBUFS when its device takes none now. */
	int (*write)(struct wire *wire, const uint8_t *data, size_t size);
	/* Carrier as the host sees it. */
	int (*set_carrier)(struct wire *wire, bool on);
	/* Frames that the host sent and that were lost before read() could have them. For the
	 * process that opened the wire, while the place is still there. */
	uint64_t (*missed)(struct wire *wire);
};

extern const struct wire_ops wire_tap;  /* TAP: where /dev/net/tun may be opened */
extern const struct wire_ops wire_veth; /* veth and AF_PACKET: anywhere, slower */

/* Opens with the first kind that can be had; @only, if not NULL, names the one to use. */
int wire_open(const char *only, const struct wire_place *place, const char *name, unsigned mtu,
	      struct wire **ret, struct err *err);
