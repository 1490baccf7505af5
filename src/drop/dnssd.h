/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours by DNS service discovery (RFC 6763) over multicast DNS, where Avahi runs: we are announced as _dtn-bundle._tcp, and
 * others that are of our crowd are told. It gets through where our own beacons do not: networks without IPv6, firewalls that let
 * nothing but mDNS pass.
 *
 * What is told is signed by nobody. It is a place to dial, and nothing else; who is there is proven by TLS.
 *
 * Avahi is spoken to over D-Bus and never waited for; one that comes later is used from then on.
 */
#pragma once

#include "base/address.h"
#include "drop/identity.h"

#include <stdint.h>
#include <uv.h>

/* Where a node is said to be. */
struct dnssd_place {
	char node[NODE_MAX];
	unsigned link; /* index */
	struct address address;
	uint16_t port;
};

struct dnssd_owner {
	void (*told)(void *data, const struct dnssd_place *place);
	void (*untold)(void *data, const struct dnssd_place *place);
	/* The bus is gone, all was untold: to be closed, and perhaps opened again later. */
	void (*lost)(void *data);
};

struct dnssd;

/* Everything is borrowed. -ENOENT, -ECONNREFUSED, ...: there is no system bus. */
int dnssd_open(uv_loop_t *loop, const struct identity *identity, uint16_t port,
	       const struct dnssd_owner *owner, void *data, struct dnssd **ret);
/* Takes the announcement back. Tells nobody anything any more. */
void dnssd_close(struct dnssd *dnssd);

/* One string of a service's TXT record goes into @place or *@ret_ours: is it of the crowd @crowd? */
void dnssd_take_text(const char *text, size_t size, const uint8_t crowd[static CROWD_ID_SIZE],
		     struct dnssd_place *place, bool *ret_ours);
