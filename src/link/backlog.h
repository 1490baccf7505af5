/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a TCP socket of the network namespace may hold that is not acknowledged yet
 * (net.ipv4.tcp_wmem, the third value, bytes).
 *
 * The kernel hands the data of an MPTCP connection to subflows long before they can send it. When a
 * link fails, what was lost with it is sent again over the others, but behind all that waits there:
 * some hundred kilobytes, a quarter of a second at 20 Mbit/s, because a send buffer grows with the
 * overshoot of slow start and never shrinks. net.ipv4.tcp_notsent_lowat does not help: MPTCP does
 * not look at it when an acknowledgement makes it push. A bound on the send buffer does.
 *
 * A connection may hold what the bound is for each of its subflows, together, and the kernel deals it out so that each
 * of them is as long busy with its part as the others. So what they hold together is what they carry together for
 * as long as the slowest round trip takes, half of that again, since they are to get faster, and some for what
 * comes and goes in between: whatever is lost waits no longer than the rest of that.
 *
 * What a bound must never do is to slow anybody down. So it is that of the socket that needs most
 * in the whole namespace, whosever it is, and one that is alone is given twice what it can have under way without a
 * queue, and 60 ms; it follows upwards at once and downwards slowly. Pure, but for the file.
 *
 * A connection that does not leave the host says nothing: a program's to its relay's agent would make the bound as wide as
 * memory is fast, and gains by a small one (what it holds stays in the caches).
 */
#pragma once

#include "link/diag.h"

#include <stdbool.h>
#include <stdint.h>

/* 0, or a negative errno: -EACCES without the right to. */
int backlog_get(uint32_t *ret);
int backlog_set(uint32_t bytes);

#define BACKLOG_MIN         (256u * 1024)
#define BACKLOG_CONNECTIONS 32 /* with several subflows; of more, each is as if it were alone */

/* What the subflows of a connection that have something under way can use. */
struct backlog_connection {
	uint32_t inode;
	unsigned flows;
	uint64_t alone; /* bytes: what the neediest would be given if it were the only one */
	uint64_t least; /* bytes: what the neediest needs */
	uint64_t rate;  /* bytes/s, together */
	uint64_t time;  /* us for which each is to be kept busy */
};

/* One more: its rate (bytes/s), and of its round trips (us) the shortest and the mean deviation. */
void backlog_add(struct backlog_connection *connection, uint64_t rate, uint32_t rtt_min,
		 uint32_t rtt_var);
/* Bytes that several are to hold together. */
uint64_t backlog_together(const struct backlog_connection *connection);

struct backlog {
	uint32_t bytes; /* what it should be; 0: as it is without us */
	uint64_t need, at;
	struct backlog_connection connections[BACKLOG_CONNECTIONS];
	unsigned connection_count;
};

/* A look begins. */
void backlog_look(struct backlog *backlog);
/* A socket of anybody's. */
void backlog_saw(struct backlog *backlog, const struct diag_socket *socket);
/* All was shown. @wanted: there are connections that gain by a bound. True if @bytes has changed. */
bool backlog_looked(struct backlog *backlog, uint64_t now, bool wanted);
