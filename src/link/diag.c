/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* In struct mptcp_info as it is since Linux 6.5, which headers may be older than. */
#define BYTES_RECEIVED_AT 64
#define BYTES_ACKED_AT    72

static struct address make_address(uint8_t family, const uint32_t words[4])
{
	struct address address = {0};

	if (family == AF_INET6) {
		struct sockaddr_in6 sa = {.sin6_family = AF_INET6};

		memcpy(&sa.sin6_addr, words, 16);
		return address_from_sockaddr((struct sockaddr *)&sa); /* may be a mapped v4 one */
	}
	address.family = AF_INET;
	address.prefix = 32;
	memcpy(address.bytes, words, 4);
	return address;
}

/* tcp_info has grown with the kernels: take what is there. */
static void parse_info(const struct nlattr *attr, struct diag_socket *ret)
{
	struct tcp_info info = {0};
	size_t size = mnl_attr_get_payload_len(attr);

	memcpy(&info, mnl_attr_get_payload(attr), size < sizeof(info) ? size : sizeof(info));
	/* The SYN counts as one byte there. */
	ret->bytes_acked = info.tcpi_bytes_acked ? info.tcpi_bytes_acked - 1 : 0;
	ret->bytes_received = info.tcpi_bytes_received;
	ret->unacked = info.tcpi_unacked;
	ret->rtt = info.tcpi_rtt > info.tcpi_rcv_rtt ? info.tcpi_rtt : info.tcpi_rcv_rtt;
	ret->rtt_acked = info.tcpi_rtt;
	ret->rtt_min = info.tcpi_min_rtt;
	ret->rtt_var = info.tcpi_rttvar;
	ret->cwnd = info.tcpi_snd_cwnd;
	ret->retransmissions = info.tcpi_total_retrans;
	ret->delivery_rate = info.tcpi_delivery_rate;
	ret->last_ack = info.tcpi_last_ack_recv;
	ret->last_receipt = info.tcpi_last_data_recv;
	ret->timeouts = info.tcpi_retransmits;
}

static void parse_ulp(const struct nlattr *ulp, struct diag_socket *ret)
{
	const struct nlattr *attr, *inner;

	mnl_attr_for_each_nested(attr, ulp)
	{
		if (mnl_attr_get_type(attr) != INET_ULP_INFO_MPTCP)
			continue;
		ret->mptcp = true;
		mnl_attr_for_each_nested(inner, attr)
		{
			if (mnl_attr_get_type(inner) == MPTCP_SUBFLOW_ATTR_FLAGS)
				ret->mptcp_flags = mnl_attr_get_u32(inner);
			if (mnl_attr_get_type(inner) == MPTCP_SUBFLOW_ATTR_TOKEN_LOC)
				ret->token = mnl_attr_get_u32(inner);
		}
	}
}

struct visit {
	diag_each each;
	void *data;
};

static int visit_socket(const struct nlmsghdr *msg, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(msg);
	struct visit *visit = data;
	struct diag_socket s = {0};
	const struct nlattr *attr;

	if ((msg->nlmsg_type != SOCK_DIAG_BY_FAMILY && msg->nlmsg_type != TCPDIAG_GETSOCK) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*diag))
		return 0;
	s.cookie = (uint64_t)diag->id.idiag_cookie[1] << 32 | diag->id.idiag_cookie[0];
	s.inode = diag->idiag_inode;
	s.state = diag->idiag_state;
	s.queued = diag->idiag_wqueue;
	s.local = make_address(diag->idiag_family, diag->id.idiag_src);
	s.remote = make_address(diag->idiag_family, diag->id.idiag_dst);
	s.local_port = ntohs(diag->id.idiag_sport);
	s.remote_port = ntohs(diag->id.idiag_dport);
	mnl_attr_for_each(attr, msg, sizeof(*diag))
	{
		if (mnl_attr_get_type(attr) == INET_DIAG_INFO)
			parse_info(attr, &s);
		if (mnl_attr_get_type(attr) == INET_DIAG_ULP_INFO) {
			s.has_ulp = true;
			parse_ulp(attr, &s);
		}
	}
	return visit->each(&s, visit->data);
}

static const uint32_t living_states =
	((1u << (DIAG_LAST + 1)) - 1) & ~(1u << DIAG_TIME_WAIT) & ~(1u << DIAG_SYN_RECV);

bool diag_may_join(const struct diag_socket *socket)
{
	const uint32_t opened = MPTCP_SUBFLOW_FLAG_MCAP_LOC | MPTCP_SUBFLOW_FLAG_MCAP_REM;

	return socket->state == DIAG_ESTABLISHED && socket->inode &&
	       (socket->mptcp_flags & MPTCP_SUBFLOW_FLAG_JOIN_LOC ||
		(socket->mptcp_flags & opened) == opened);
}

/* By the older of the two requests: it asks for sockets of both families, and what a dump costs is the kernel's way through its
 * table of all connections. */
static int dump(struct nl *nl, uint32_t states, diag_each each, void *data)
{
	struct nlmsghdr *msg = nl_start(nl, TCPDIAG_GETSOCK, 0, sizeof(struct inet_diag_req));
	struct inet_diag_req *query = mnl_nlmsg_get_payload(msg);
	struct visit visit = {each, data};
	int err;

	query->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	query->idiag_states = states;
	err = nl_dump(nl, visit_socket, &visit);
	return err == -EINTR ? 0 : err;
}

int diag_dump(struct nl *nl, diag_each each, void *data)
{
	return dump(nl, living_states, each, data);
}

int diag_dump_listening(struct nl *nl, diag_each each, void *data)
{
	return dump(nl, 1u << DIAG_LISTEN, each, data);
}

struct visit_connections {
	diag_each_connection each;
	void *data;
};

/* Attributes are aligned to four bytes, some numbers to eight. */
static void take_number(const struct nlattr *attr, size_t at, void *ret, size_t size)
{
	const char *info = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) >= at + size)
		memcpy(ret, info + at, size);
}

static int visit_connection(const struct nlmsghdr *msg, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(msg);
	struct visit_connections *visit = data;
	struct diag_connection connection = {0};
	const struct nlattr *attr;

	if (msg->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*diag))
		return 0;
	connection.inode = diag->idiag_inode;
	mnl_attr_for_each(attr, msg, sizeof(*diag))
	{
		uint32_t flags = 0;

		if (mnl_attr_get_type(attr) != INET_DIAG_INFO)
			continue;
		take_number(attr, offsetof(struct mptcp_info, mptcpi_flags), &flags, sizeof(flags));
		connection.fallback = flags & MPTCP_INFO_FLAG_FALLBACK;
		take_number(attr, offsetof(struct mptcp_info, mptcpi_rcv_nxt),
			    &connection.received_to, sizeof(uint64_t));
		take_number(attr, BYTES_RECEIVED_AT, &connection.received, sizeof(uint64_t));
		take_number(attr, BYTES_ACKED_AT, &connection.sent, sizeof(uint64_t));
	}
	return visit->each(&connection, visit->data);
}

/* Also those of which one end has said that it sends no more. */
static const uint32_t connected_states = 1u << DIAG_ESTABLISHED | 1u << DIAG_FIN_WAIT1 |
					 1u << DIAG_FIN_WAIT2 | 1u << DIAG_CLOSE_WAIT;

static void request_connections(struct nl *nl, uint8_t family)
{
	struct nlmsghdr *msg =
		nl_start(nl, SOCK_DIAG_BY_FAMILY, 0, sizeof(struct inet_diag_req_v2));
	struct inet_diag_req_v2 *query = mnl_nlmsg_get_payload(msg);

	query->sdiag_family = family;
	query->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	query->idiag_states = connected_states;
	/* The protocol's number does not fit into the old field. */
	mnl_attr_put_u32(msg, INET_DIAG_REQ_PROTOCOL, IPPROTO_MPTCP);
}

int diag_dump_connections(struct nl *nl, diag_each_connection each, void *data)
{
	const uint8_t families[] = {AF_INET, AF_INET6};
	struct visit_connections visit = {each, data};

	for (unsigned i = 0; i < 2; i++) {
		int err;

		request_connections(nl, families[i]);
		err = nl_dump(nl, visit_connection, &visit);
		if (err < 0 && err != -EINTR)
			return err;
	}
	return 0;
}

int diag_watch(struct nl **ret)
{
	_cleanup_nl_ struct nl *nl = NULL;
	int err = nl_open(&nl, NETLINK_SOCK_DIAG);

	if (err == 0)
		err = nl_join(nl, SKNLGRP_INET_TCP_DESTROY);
	if (err == 0)
		err = nl_join(nl, SKNLGRP_INET6_TCP_DESTROY);
	if (err < 0)
		return err;
	*ret = nl;
	nl = NULL;
	return 0;
}

int diag_destroyed(struct nl *nl, diag_each each, void *data)
{
	struct visit visit = {each, data};

	return nl_receive(nl, visit_socket, &visit);
}
