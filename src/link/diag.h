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

/* States of a TCP socket, as the kernel numbers them (include/net/tcp_states.h). */
enum diag_state {
	DIAG_ESTABLISHED = 1,
	DIAG_SYN_SENT = 2,
	DIAG_FIN_WAIT1 = 4,
	DIAG_FIN_WAIT2 = 5,
	DIAG_TIME_WAIT = 6,
	DIAG_CLOSE = 7,
	DIAG_CLOSE_WAIT = 8,
	DIAG_LISTEN = 10,
	DIAG_SYN_RECV = 12,
	DIAG_LAST = 12
};

/* About whether it is a subflow (link/subflows.h). */
enum diag_doubt {
	DIAG_NO_DOUBT,
	DIAG_NOT_LISTED, /* none of a connection that was there just before */
	DIAG_NOT_TOLD,   /* nobody says */
};

struct diag_socket {
	uint64_t cookie; /* unique for as long as the system is up */
	uint32_t inode;  /* of the program's socket; 0: closed by it, or accepted by nobody yet */
	uint8_t state;   /* enum diag_state */
	struct address local, remote;
	uint16_t local_port, remote_port;
	bool has_ulp;         /* the kernel tells what is on top of it, MPTCP or other */
	bool mptcp;           /* a subflow, or what became of one that fell back */
	uint32_t mptcp_flags; /* MPTCP_SUBFLOW_FLAG_* */
	uint8_t doubt;        /* enum diag_doubt */
	uint32_t token;       /* of the connection, as this end names it; 0 without CAP_NET_ADMIN */
	uint64_t bytes_acked, bytes_received; /* payload, sent and received */
	uint32_t unacked;                     /* segments on their way */
	uint32_t queued; /* bytes given to it and not acknowledged; its end counts as one */
	uint32_t rtt;    /* smoothed, us; the receiver's estimate if that is larger; 0: not known */
	uint32_t rtt_acked;       /* smoothed, us, as acknowledgements tell it; 0: not known */
	uint32_t rtt_min;         /* the shortest ever, us */
	uint32_t rtt_var;         /* us */
	uint32_t cwnd;            /* segments */
	uint32_t retransmissions; /* segments, since the start */
	uint64_t delivery_rate;   /* bytes/s, the sender's last estimate; 0: not known */
	uint32_t last_ack;        /* ms since anything acknowledged us */
	uint32_t last_receipt;    /* ms since data came */
	uint8_t timeouts;         /* one after the other, of what waits for its answer */
};

/* A whole MPTCP connection. */
struct diag_connection {
	uint32_t inode;       /* as its subflows' */
	bool fallback;        /* it is plain TCP */
	uint64_t received_to; /* data sequence number up to which nothing is missing */
	uint64_t sent,
		received; /* bytes of payload, acknowledged and received; 0 before Linux 6.5 */
};

typedef int (*diag_each)(const struct diag_socket *socket, void *data);

/* Is it a subflow of a connection to which this end may add others? Who accepted it leaves that to its peer, who may be
 * behind a NAT. */
bool diag_may_join(const struct diag_socket *socket);

/* All TCP sockets of the network namespace of @nl (NETLINK_SOCK_DIAG), but those in TIME_WAIT. */
int diag_dump(struct nl *nl, diag_each each, void *data);

/* Those of them that listen, for which the kernel does not walk through its table of all connections. */
int diag_dump_listening(struct nl *nl, diag_each each, void *data);

/* All MPTCP connections there; -ENOENT, ... where the kernel cannot tell. */
typedef int (*diag_each_connection)(const struct diag_connection *connection, void *data);
int diag_dump_connections(struct nl *nl, diag_each_connection each, void *data);

/* A socket on which every TCP socket that the kernel frees is announced, with its last byte counts
 * (but neither inode nor flags: the cookie tells which it was). Read with diag_destroyed(). */
int diag_watch(struct nl **ret);
/* Gives what has been announced to @each; never blocks. */
int diag_destroyed(struct nl *nl, diag_each each, void *data);
