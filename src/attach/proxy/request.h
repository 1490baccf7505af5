/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client of the proxy asks for, until it is known. A protocol is one row of operations; which one a client
 * speaks is told by its first byte. Pure: bytes go in, replies come out, no I/O and no clock.
 *
 * Whoever moves the bytes keeps those that were not used and brings them again with what follows. A whole conversation
 * fits into REQUEST_IN_MAX bytes, or is refused: so one buffer of that size is all the memory that a client can take.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define REQUEST_IN_MAX    8192 /* RFC 9112, section 3: what all should support of a request line */
#define REQUEST_OUT_MAX   2048
#define REQUEST_HOST_MAX  255 /* octets of a name (RFC 1035, section 2.3.4), and of a SOCKS one */
#define REQUEST_PORT_SIZE 6
#define REQUEST_TOKEN_MAX 255 /* what clients are known by */

enum request_state {
	REQUEST_MORE,     /* bytes are missing */
	REQUEST_COMPLETE, /* host and port are known: connect, then request_answer() */
	REQUEST_REFUSED, /* no connection will come of it; @why says why. Send what is in @out, and close */
};

struct request;

struct request_ops {
	const char *name;
	enum request_state (*read)(struct request *request, const uint8_t *in, size_t size,
				   size_t *ret_used);
	void (*answer)(struct request *request, int code, const struct sockaddr *local);
};

extern const struct request_ops request_socks;   /* SOCKS5, RFC 1928: socks.c */
extern const struct request_ops request_connect; /* HTTP CONNECT, RFC 9110: connect.c */

/* All zero at first, but for what the user wants. */
struct request {
	bool asks; /* the user: clients should say who they are */
	char token
		[REQUEST_TOKEN_MAX +
		 1]; /* what they said: Bearer, or the password of Basic or of RFC 1929; "": nothing */
	const struct request_ops *ops;   /* NULL: no byte has come */
	unsigned step;                   /* the protocol's own */
	char host[REQUEST_HOST_MAX + 1]; /* a name or an address, nothing else */
	char port[REQUEST_PORT_SIZE];
	uint8_t out
		[REQUEST_OUT_MAX]; /* to be sent to the client; whoever has sent it sets out_size to 0 */
	size_t out_size;
	struct err why;
};

/* Reads on. *@ret_used bytes of @in are done with; what follows a complete request is not its, but for the other end of
 * the connection. Not to be called again once the request is complete or refused. */
enum request_state request_read(struct request *request, const void *in, size_t size,
				size_t *ret_used);

/* What became of a complete request: 0, and the address that the connection has at this end; or a negative errno, and
 * in @request->why the words; -EKEYREJECTED: its token is missing or wrong; -EUSERS: it has as many as it may. The reply is in
 * @out. */
void request_answer(struct request *request, int code, const struct sockaddr *local);

/* For the protocols. Takes @size characters as the token; what is too long to be one, or has a zero in it, is none. */
void request_set_token(struct request *request, const void *text, size_t size);

/* For the protocols. Takes @size characters as the host, if they can be a name or an address; 1 to 65535 as the
 * port. -EINVAL. */
int request_set_host(struct request *request, const void *text, size_t size);
int request_set_port(struct request *request, unsigned port);
