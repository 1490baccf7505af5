/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a device with an invitation becomes a node. It finds the founder by its beacon (or is told where it is), connects to the
 * port of its sessions and says that it wants to join; then there is TLS 1.3, in which the founder proves to have the authority's
 * key, and only then the secret is said.
 *
 * Both messages are CBOR after their size in 4 bytes:
 *     [1, secret, name, request (PKCS #10)]
 *     [0, certificate, authority's certificate, list of revocations or ""], or [1, why not]
 */
#pragma once

#include "drop/crowd.h"

#define JOIN_HEADER      "rvj!\x01" /* and a zero, in the place of TCPCL's contact header */
#define JOIN_MESSAGE_MAX 65536u

struct join_request {
	uint8_t secret[CROWD_SECRET_SIZE];
	char node[NODE_MAX];
	const uint8_t *request; /* borrowed */
	size_t request_size;
};

struct join_reply {
	const uint8_t *certificate, *ca, *revoked; /* DER, borrowed; NULL: refused */
	size_t certificate_size, ca_size, revoked_size;
	char why[160]; /* refused: why */
};

void join_put_request(struct bytes *to, const struct join_request *request);
void join_put_reply(struct bytes *to, const struct join_reply *reply);
/* Of a message without its size. -EBADMSG. */
int join_read_request(const void *data, size_t size, struct join_request *ret);
int join_read_reply(const void *data, size_t size, struct join_reply *ret);

/* Joins the crowd of @token as @node, over the connection @fd, which blocks and whose time-outs are set. Makes the identity in
 * @folder. -EEXIST: it has one; -EACCES: refused; -EKEYREJECTED: the other end is not that crowd's authority. */
int join_over(int fd, const char *folder, const char *node, const struct crowd_token *token,
	      struct err *err);
