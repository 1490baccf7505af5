/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sockets, with what some kernels hide. Before Linux 6.15 the kernel tells only those who may administer the network which
 * TCP sockets are subflows. MPTCP connections it lists for anyone, with their inodes, so for others that list is read first. A
 * socket that is not in it may be of a connection that was made just after: who saw it before knows better.
 */
#pragma once

#include "link/diag.h"

struct subflows {
	struct nl *nl; /* borrowed */
	bool hidden;   /* the kernel does */
	bool listed;   /* then: the list could be read */
	struct subflows_connection {
		uint32_t inode;
		bool fallback;
	} * all; /* owned; by inode */
	unsigned count, room;
};

/* Finds out, by a socket of its own that listens on the loopback for a moment; @nl is of NETLINK_SOCK_DIAG. */
void subflows_open(struct subflows *subflows, struct nl *nl);
void subflows_close(struct subflows *subflows);

/* As diag_dump(). Of what was hidden, @mptcp and @mptcp_flags say whether the connection is MPTCP, but neither how the subflow
 * came about nor whether it is a backup; @doubt is set where that is not known either. */
int subflows_dump(struct subflows *subflows, diag_each each, void *data);
