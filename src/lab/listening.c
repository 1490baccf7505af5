/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/listening.h"

#include "base/cleanup.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static int count_one(const struct nlmsghdr *msg, void *data)
{
	(*(int *)data)++;
	return 0;
}

int listening_count(struct nl *diag)
{
	static const struct {
		uint8_t protocol;
		unsigned state;
	} wanted[] = {
		{IPPROTO_TCP, TCP_LISTEN},
		{IPPROTO_UDP, TCP_CLOSE}, /* how a bound UDP socket is called */
	};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted) * ARRAY_SIZE(families); i++) {
		struct nlmsghdr *msg =
			nl_start(diag, SOCK_DIAG_BY_FAMILY, 0, sizeof(struct inet_diag_req_v2));
		struct inet_diag_req_v2 *request = mnl_nlmsg_get_payload(msg);
		int code;

		request->sdiag_family = families[i % 2];
		request->sdiag_protocol = wanted[i / 2].protocol;
		request->idiag_states = 1U << wanted[i / 2].state;
		code = nl_dump(diag, count_one, &count);
		if (code == -ENOENT && wanted[i / 2].protocol == IPPROTO_UDP)
			continue; /* a kernel without udp_diag */
		if (code < 0 && code != -EINTR)
			return code;
	}
	return count;
}
