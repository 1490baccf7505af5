/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sockets as the kernel sees them (sock_diag, linux/inet_diag.h), MPTCP subflows among them. A
 * subflow carries the inode of the MPTCP socket that a program holds, so a program's socket leads
 * to its subflows.
 */
#pragma once

#include "base/address.h"
#include "base/netlink.h"

#include <stdbool.h>
#include <stdint.h>

struct diag_socket {
	uint64_t cookie; /* unique for as long as the system is up */
	uint32_t inode;  /* of the program's socket; 0: closed by it, or accepted by nobody yet */
	uint8_t state;   /* TCP_ESTABLISHED, ... */
	struct address local, remote;
	uint16_t local_port, remote_port;
	bool mptcp;           /* a subflow, or what became of one that fell back */
	uint32_t mptcp_flags; /* MPTCP_SUBFLOW_FLAG_* */
	uint32_t token;       /* of the connection, as this end names it; 0 without CAP_NET_ADMIN */
	uint64_t bytes_acked, bytes_received; /* payload, sent and received */
};

typedef int (*diag_each)(const struct diag_socket *socket, void *data);

/* All TCP sockets of the network namespace of @nl (NETLINK_SOCK_DIAG), but those in TIME_WAIT. */
int diag_dump(struct nl *nl, diag_each each, void *data);

/* A socket on which every TCP socket that the kernel frees is announced, with its last byte counts
 * (but neither inode nor flags: the cookie tells which it was). Read with diag_destroyed(). */
int diag_watch(struct nl **ret);
/* Gives what has been announced to @each; never blocks. */
int diag_destroyed(struct nl *nl, diag_each each, void *data);
