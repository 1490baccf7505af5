/* SPDX-License-Identifier: GPL-2.0-only */
/* What the connections have that lose their subflows over a link: no I/O, no clock. */
#pragma once

#include "link/diag.h"

#define FLOWS_MAX 1024 /* that are looked at */

struct flow {
	uint32_t connection;
	unsigned link;
	bool proven; /* a join that looks established may still be refused, or meet an outage at once */
	uint32_t unacked, last_ack, rtt_min; /* as in struct diag_socket */
};

struct flows {
	unsigned count;
	struct flow all[FLOWS_MAX];
};

/* An established one. */
void flows_add(struct flows *flows, const struct diag_socket *socket, unsigned link);
/* Would a connection be without a subflow if those of @link were closed? */
bool flows_cut_off(const struct flows *flows, unsigned link);
/* For how long (ms) those of @link had better stay for what is about to be acknowledged (link/settle.h). */
unsigned flows_settle(const struct flows *flows, unsigned link);
