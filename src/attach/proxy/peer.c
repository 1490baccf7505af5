/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/proxy/peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

struct search {
	uint16_t port; /* ours, as the peer's socket has it */
	bool found;
	uid_t user;
};

/* Where no connection is found the kernel looks for a listener. A socket that no process holds any more has no inode, and
 * seems to be root's. */
static int on_socket(const struct nlmsghdr *msg, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(msg);
	struct search *search = data;

	search->found = mnl_nlmsg_get_payload_len(msg) >= sizeof(*diag) &&
			diag->id.idiag_dport == search->port && diag->idiag_inode != 0;
	if (search->found)
		search->user = diag->idiag_uid;
	return 0;
}

static uint16_t put_address(uint32_t words[4], const struct sockaddr_storage *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memcpy(&v4, sa, sizeof(v4));
	memcpy(&v6, sa, sizeof(v6));
	if (sa->ss_family == AF_INET6)
		memcpy(words, &v6.sin6_addr, 16);
	else
		memcpy(words, &v4.sin_addr, 4);
	return v4.sin_port; /* at the same place in both */
}

static int user_of_tcp(const struct sockaddr_storage *ours, const struct sockaddr_storage *theirs,
		       struct nl *diag, uid_t *ret)
{
	struct nlmsghdr *msg =
		nl_start(diag, SOCK_DIAG_BY_FAMILY, 0, sizeof(struct inet_diag_req_v2));
	struct inet_diag_req_v2 *wanted = mnl_nlmsg_get_payload(msg);
	struct search search = {0};
	int err;

	wanted->sdiag_family = (uint8_t)theirs->ss_family;
	wanted->sdiag_protocol = IPPROTO_TCP;
	wanted->idiag_states = ~0u;
	wanted->id.idiag_cookie[0] = wanted->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	wanted->id.idiag_sport = put_address(wanted->id.idiag_src, theirs);
	wanted->id.idiag_dport = search.port = put_address(wanted->id.idiag_dst, ours);
	err = nl_talk(diag, on_socket, &search);
	if (err < 0)
		return err == -ENOENT ? -ESRCH : err;
	if (!search.found)
		return -ESRCH;
	*ret = search.user;
	return 0;
}

int peer_user(int fd, struct nl *diag, uid_t *ret)
{
	struct sockaddr_storage ours = {0}, theirs = {0};
	socklen_t our_size = sizeof(ours), their_size = sizeof(theirs), size;
	struct ucred peer;

	if (getsockname(fd, (struct sockaddr *)&ours, &our_size) < 0 ||
	    getpeername(fd, (struct sockaddr *)&theirs, &their_size) < 0)
		return -errno;
	if (ours.ss_family != AF_UNIX)
		return diag ? user_of_tcp(&ours, &theirs, diag, ret) : -ESRCH;
	size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret = peer.uid;
	return 0;
}
