/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an attachment's process and the agent say to each other. Both are the same program; the agent trusts it, and it the
 * agent, but neither follows lengths that the other says. */
#pragma once

#include "via/join.h"

#include <stdint.h>
#include <sys/socket.h>

/* With one end of a socket pair, on which the reply comes; that it is closed calls the request off. */
struct via_request {
	char host[JOIN_HOST_SIZE]; /* "": nothing is to be said any more, for nobody reads it */
	char port[JOIN_PORT_SIZE];
	int32_t timeout_ms;
	/* Where the connection comes from that is to be joined to it: who asks has come in at the door. */
	struct sockaddr_storage from;
	uint32_t held; /* bytes that come from there first, and are nobody's */
};

struct via_reply {
	int32_t code; /* 0 or a negative errno */
	int32_t way;  /* enum way: WAY_DIRECT where the server speaks MPTCP; WAY_FIND: unknown */
	char why[256];
};

/* One message, and a descriptor (-1: none), over a socket of type SOCK_SEQPACKET, without waiting. 0 or a negative errno. */
int wire_send(int socket, const void *message, size_t size, int fd);
/* -EAGAIN; -EPIPE: the other end is gone; -EPROTO. The descriptor, or -1, is the caller's. */
int wire_receive(int socket, void *ret, size_t size, int *ret_fd);
