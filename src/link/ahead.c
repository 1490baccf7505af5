/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/ahead.h"

#include "link/backlog.h"
#include "link/diag.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

#define LOOK_EVERY (20 * NS_PER_MS)
#define LOWER_LATE NS_PER_S
#define SUBFLOWS   8

uint64_t ahead_bound(struct ahead *ahead, uint64_t need, uint64_t now)
{
	/* Rates are estimates, and a pause is not an end. */
	if (need >= ahead->need || now >= ahead->lower_at) {
		ahead->need = need;
		ahead->lower_at = now + LOWER_LATE;
	}
	return ahead->need > BACKLOG_MIN ? ahead->need : BACKLOG_MIN;
}

/* What the subflows need together; UINT64_MAX: it is no MPTCP socket. */
static uint64_t look(struct ahead *ahead, int fd)
{
	struct {
		struct mptcp_subflow_data head;
		struct tcp_info flows[SUBFLOWS];
	} told = {.head = {.size_subflow_data = sizeof(told.head),
			   .size_user = sizeof(struct tcp_info)}};
	struct backlog_connection connection = {0};
	socklen_t size = sizeof(told);

	if (getsockopt(fd, SOL_MPTCP, MPTCP_TCPINFO, &told, &size) < 0) {
		ahead->look_at = UINT64_MAX;
		return UINT64_MAX;
	}
	for (unsigned i = 0; i < told.head.num_subflows && i < SUBFLOWS; i++) {
		const struct tcp_info *flow = &told.flows[i];

		if (flow->tcpi_state == DIAG_ESTABLISHED && flow->tcpi_unacked > 0)
			backlog_add(&connection, flow->tcpi_delivery_rate, flow->tcpi_min_rtt,
				    flow->tcpi_rttvar);
	}
	return backlog_together(&connection);
}

bool ahead_may_write(struct ahead *ahead, int fd, uint64_t now)
{
	int queued;

	if (ahead->look_at == UINT64_MAX || ioctl(fd, SIOCOUTQ, &queued) < 0 ||
	    queued < (int)BACKLOG_MIN)
		return true;
	if (now >= ahead->look_at) {
		ahead->look_at = now + LOOK_EVERY;
		ahead->bound = ahead_bound(ahead, look(ahead, fd), now);
	}
	return (uint64_t)queued < ahead->bound;
}
