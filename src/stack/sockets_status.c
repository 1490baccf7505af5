/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel tells a program of its own socket (getsockopt of level SOL_MPTCP, since Linux
 * 5.16, and TCP_INFO). No privilege, and no look at anyone else's sockets.
 *
 * Addresses and counts of the subflows are two questions, between which a subflow may come or go:
 * the addresses are asked for before and after, until both are the same.
 */
#include "base/cleanup.h"
#include "stack/sockets_parts.h"

#include <assert.h>
#include <ifaddrs.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Struct mptcp_info of Linux 6.5, with the byte counts; older kernels fill in the first part. */
struct info {
	uint8_t counts[6];
	uint32_t flags;
	uint32_t token;
	uint64_t write_seq, snd_una, rcv_nxt;
	uint8_t local_addr_used, local_addr_max, csum_enabled;
	uint32_t retransmits;
	uint64_t bytes_retrans, bytes_sent, bytes_received, bytes_acked;
};
static_assert(offsetof(struct info, token) == offsetof(struct mptcp_info, mptcpi_token), "layout");
static_assert(offsetof(struct info, csum_enabled) ==
		      offsetof(struct mptcp_info, mptcpi_csum_enabled),
	      "layout");
static_assert(offsetof(struct info, bytes_acked) == 72, "layout");

struct addrs {
	struct mptcp_subflow_data head;
	struct mptcp_subflow_addrs all[RV_SUBFLOWS_MAX];
};

struct counts {
	struct mptcp_subflow_data head;
	struct tcp_info all[RV_SUBFLOWS_MAX];
};

/* The socket that is asked, by the calls of its stack. */
struct subject {
	struct stack *stack;
	int fd;
};

static int get(const struct subject *of, int level, int option, void *ret, socklen_t *size)
{
	return of->stack->ops->calls->get(of->stack, of->fd, level, option, ret, size);
}

/* Asks for an array with one element of @each bytes for every subflow. */
static int get_array(const struct subject *of, int option, struct mptcp_subflow_data *head,
		     size_t size, size_t each)
{
	socklen_t length = (socklen_t)size;

	memset(head, 0, size);
	head->size_subflow_data = sizeof(*head);
	head->size_user = (uint32_t)each;
	return get(of, SOL_MPTCP, option, head, &length);
}

static int get_addrs(const struct subject *of, struct addrs *ret)
{
	return get_array(of, MPTCP_SUBFLOW_ADDRS, &ret->head, sizeof(*ret), sizeof(*ret->all));
}

/* Both were asked for with get_addrs(), which leaves no byte unset. */
static bool addrs_equal(const struct addrs *a, const struct addrs *b)
{
	return memcmp((const char *)a, (const char *)b, sizeof(*a)) == 0;
}

static void count_tcp(const struct tcp_info *info, struct rv_subflow *ret)
{
	ret->state = info->tcpi_state;
	ret->rtt_us = info->tcpi_rtt;
	ret->rtt_var_us = info->tcpi_rttvar;
	ret->cwnd = info->tcpi_snd_cwnd;
	ret->mss = info->tcpi_snd_mss;
	ret->sent = info->tcpi_bytes_sent - info->tcpi_bytes_retrans;
	ret->retransmitted = info->tcpi_bytes_retrans;
	ret->received = info->tcpi_bytes_received;
}

static int status_mptcp(const struct subject *of, const struct info *info, socklen_t info_size,
			struct rv_status *ret)
{
	struct addrs before, after = {0};
	struct counts counts = {0};
	unsigned count;
	int code = get_addrs(of, &after);

	do {
		before = after;
		if (code == 0)
			code = get_array(of, MPTCP_TCPINFO, &counts.head, sizeof(counts),
					 sizeof(*counts.all));
		if (code == 0)
			code = get_addrs(of, &after);
		if (code < 0)
			return code;
	} while (counts.head.num_subflows != after.head.num_subflows ||
		 !addrs_equal(&before, &after));

	ret->protocol = info->flags & MPTCP_INFO_FLAG_FALLBACK ? RV_TCP_FALLBACK : RV_MPTCP;
	ret->subflow_count = after.head.num_subflows;
	count = ret->subflow_count < RV_SUBFLOWS_MAX ? ret->subflow_count : RV_SUBFLOWS_MAX;
	for (unsigned i = 0; i < count; i++) {
		struct rv_subflow *subflow = &ret->subflows[i];

		memcpy(&subflow->local, &after.all[i].ss_local, sizeof(subflow->local));
		memcpy(&subflow->remote, &after.all[i].ss_remote, sizeof(subflow->remote));
		count_tcp(&counts.all[i], subflow);
		ret->sent += subflow->sent;
		ret->received += subflow->received;
	}
	if (info_size >= sizeof(*info) && ret->protocol == RV_MPTCP) {
		ret->sent = info->bytes_sent;
		ret->received = info->bytes_received;
	}
	return 0;
}

static int status_tcp(const struct subject *of, struct rv_status *ret)
{
	const struct stack_calls *calls = of->stack->ops->calls;
	struct rv_subflow *subflow = &ret->subflows[0];
	socklen_t local = sizeof(subflow->local), remote = sizeof(subflow->remote);
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int code = get(of, IPPROTO_TCP, TCP_INFO, &info, &size);

	if (code == 0)
		code = calls->name(of->stack, of->fd, (struct sockaddr *)&subflow->local, &local);
	if (code == 0)
		code = calls->peer(of->stack, of->fd, (struct sockaddr *)&subflow->remote, &remote);
	if (code < 0) {
		*subflow = (struct rv_subflow){0};
		return code;
	}
	count_tcp(&info, subflow);
	ret->subflow_count = 1;
	ret->sent = subflow->sent;
	ret->received = subflow->received;
	return 0;
}

static bool is_connected(const struct subject *of)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	return of->stack->ops->calls->peer(of->stack, of->fd, (struct sockaddr *)&peer, &size) == 0;
}

/* A kernel that knows MPTCP_INFO refuses it for a socket that has fallen back, but for that one
 * answers TCP_INFO; one that does not know it answers TCP_INFO only then, too. */
static int status_of(const struct subject *of, int protocol, struct rv_status *ret)
{
	struct info info = {0};
	socklen_t size = sizeof(info);

	ret->protocol = protocol == IPPROTO_TCP ? RV_TCP : RV_MPTCP;
	if (!is_connected(of))
		return 0;
	if (protocol == IPPROTO_TCP)
		return status_tcp(of, ret);
	if (get(of, SOL_MPTCP, MPTCP_INFO, &info, &size) == 0)
		return status_mptcp(of, &info, size, ret);
	ret->protocol = status_tcp(of, ret) == 0 ? RV_TCP_FALLBACK : RV_MPTCP_PERHAPS;
	return 0;
}

static void name_links(struct rv_status *status)
{
	struct ifaddrs *all = NULL;

	if (status->subflow_count == 0 || getifaddrs(&all) < 0)
		return;
	for (unsigned i = 0; i < RV_SUBFLOWS_MAX && i < status->subflow_count; i++) {
		struct rv_subflow *subflow = &status->subflows[i];
		struct address local =
			address_from_sockaddr((const struct sockaddr *)&subflow->local);

		for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
			struct address has = {0};

			if (at->ifa_addr)
				has = address_from_sockaddr(at->ifa_addr);
			if (has.family && address_equal(&has, &local))
				strncpy(subflow->link, at->ifa_name, RV_LINK_MAX - 1);
		}
	}
	freeifaddrs(all);
}

int sockets_status(struct stack *stack, int fd, struct rv_status *ret, struct err *err)
{
	const struct subject of = {stack, fd};
	struct rv_status status = {0};
	int protocol = 0, code;
	socklen_t size = sizeof(protocol);

	code = get(&of, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	if (code < 0)
		return err_set(err, code, "descriptor %d has no status: %s", fd, strerror(-code));
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return err_set(err, -EPROTONOSUPPORT,
			       "descriptor %d is neither a TCP nor an MPTCP socket", fd);
	code = status_of(&of, protocol, &status);
	if (code < 0)
		return err_set(err, code, "descriptor %d has no status: %s", fd, strerror(-code));
	name_links(&status);
	*ret = status;
	return 0;
}
