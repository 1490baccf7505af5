/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node says of itself on each link, in one datagram to all who are there: of which crowd it is, where its sessions are
 * accepted, with its certificate and signed. A neighbour believes none of it for a session, which proves its ends anew; a
 * beacon only makes it dial. The link-local address that it was sent from is part of it, so that nobody can make it
 * heard elsewhere.
 *
 *     [body: bytes, signature: bytes] (CBOR), body: [1, crowd, node, port, founder, sender, [address...], certificate]
 */
#pragma once

#include "base/address.h"
#include "drop/identity.h"

#define BEACON_GROUP \
	"ff12::5256:4452" /* link-local, not assigned by anyone (RFC 4291, section 2.7) */
#define BEACON_PORT          4556
#define BEACON_SIZE_MAX      1400
#define BEACON_ADDRESSES_MAX 4

struct beacon {
	uint8_t crowd[CROWD_ID_SIZE];
	char node[NODE_MAX];
	uint16_t port;
	bool founder;                                   /* takes invitations */
	struct in6_addr sender;                         /* link-local */
	struct address addresses[BEACON_ADDRESSES_MAX]; /* others that it has on this link */
	unsigned address_count;
	const uint8_t *certificate; /* DER; of one that was read: into what it was read from */
	size_t certificate_size;
};

/* Adds the beacon, signed by @identity, whose crowd, name and certificate it gets. */
int beacon_put(struct bytes *to, const struct identity *identity, const struct beacon *beacon);

/* What a datagram says; nothing is verified yet. -EBADMSG: it is no beacon. @ret_body and @ret_signature go into @data. */
int beacon_read(const void *data, size_t size, struct beacon *ret, const uint8_t **ret_body,
		size_t *ret_body_size, const uint8_t **ret_signature);

/* Is it what it says? -ESTALE: it was sent by somebody else than @from; else as identity_check(). */
int beacon_check(const struct identity *identity, const void *data, size_t size,
		 const struct in6_addr *from, struct beacon *ret, struct err *err);
