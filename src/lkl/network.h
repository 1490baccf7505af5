/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's network: a device for each port (link/port.h), set up by the code that sets up the host's kernel for stack
 * "native" (stack/native.h, link/change.h), through the library's netlink.
 */
#pragma once

#include "link/netstack.h"
#include "stack/lkl_wire.h"

struct network {
	struct netstack netstack;
	struct lkl_start is; /* what it is set up for */
	int indexes[LKL_PORTS_MAX];
	unsigned device_count;
	enum multipath_use use[LKL_PORTS_MAX]; /* what becomes of each */
	struct silence silence;
	struct change *changes; /* owned: made so far */
	unsigned change_count;
	/* Of a device that is no longer to be used: do its subflows stay for now? */
	bool (*stays)(unsigned index, void *data);
	void *data;
	bool keeps;       /* something stays for that */
	uint64_t kept_at; /* since then (clock_now()), if it does */
	bool asked,
		denied; /* for more port numbers, since the last answer; the last answer was none */
	unsigned sharers; /* of its memory: a power of two */
	uint32_t backlog; /* bytes that a subflow may hold (link/backlog.h); 0: what its share is */
};

/* Takes the descriptors. For once in a process. */
int network_open(struct network *network, const struct lkl_start *start, const int *fds,
		 struct err *err);
/* Its port numbers are not enough, or will not be soon: is somebody to be told? Not again before there was an answer. */
bool network_is_scarce(struct network *network);
/* How many port numbers connections have. */
unsigned network_numbers(const struct network *network);
/* The ports are now those of @now: as before, and more that have come, whose descriptors it takes. */
int network_update(struct network *network, const struct lkl_start *now, const int *fds,
		   struct err *err);
/* The port that has @address; NULL: none. */
const struct port *network_port_of(const struct network *network, const struct address *address);
/* The device @index does not answer, or does again: then the peers of subflows that have stayed on it are told (endpoint_tell()). */
void network_silence(struct network *network, unsigned index, bool silent);
/* Puts the endpoints of the device @index in anew: the kernel then joins over it where it had given up. */
void network_renew(struct network *network, unsigned index);
/* What stays for a connection's sake may not have to any more. */
void network_let_go(struct network *network);
/* So many connections share the memory: what each may buffer at most follows from that. Cheap. */
int network_share(struct network *network, unsigned connections);
/* And what may be held that is not sent: no more than @backlog bytes; 0: no matter. */
int network_bound(struct network *network, uint32_t backlog);
