/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/netlink.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NL_BUFFER (64 * 1024)

struct nl {
	const struct nl_calls *calls;
	int fd;
	uint32_t sequence;
	unsigned groups[NL_GROUPS], group_count; /* that were joined */
	bool deaf;                               /* none of them is at present */
	char words[256];
	_Alignas(struct nlmsghdr) char request[8192];
	_Alignas(struct nlmsghdr) char answer[NL_BUFFER];
};

static int host_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);

	return fd < 0 ? -errno : fd;
}

static int host_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return bind(fd, address, size) < 0 ? -errno : 0;
}

static int host_set(int fd, int level, int option, const void *value, socklen_t size)
{
	return setsockopt(fd, level, option, value, size) < 0 ? -errno : 0;
}

static ssize_t host_send(int fd, const void *data, size_t size, int flags)
{
	ssize_t done = send(fd, data, size, flags);

	return done < 0 ? -errno : done;
}

static ssize_t host_receive(int fd, void *data, size_t size, int flags)
{
	ssize_t got = recv(fd, data, size, flags);

	return got < 0 ? -errno : got;
}

static const struct nl_calls host_calls = {
	.socket = host_socket,
	.bind = host_bind,
	.set = host_set,
	.send = host_send,
	.receive = host_receive,
	.close = close_fd,
};

int nl_open_by(struct nl **ret, const struct nl_calls *calls, int protocol)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	struct nl *nl =
		malloc(sizeof(*nl)); /* large: what is not used of it is not touched either */
	int on = 1, err;

	if (!nl)
		return -ENOMEM;
	nl->calls = calls;
	nl->sequence = 0;
	nl->group_count = 0;
	nl->deaf = false;
	nl->words[0] = '\0';
	nl->fd = calls->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	err = nl->fd < 0 ? nl->fd : calls->bind(nl->fd, (const struct sockaddr *)&any, sizeof(any));
	if (err < 0) {
		nl_close(nl);
		return err;
	}
	/* Old kernels know neither; both are only for better words and stricter dumps. */
	calls->set(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	calls->set(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret = nl;
	return 0;
}

int nl_open(struct nl **ret, int protocol)
{
	return nl_open_by(ret, &host_calls, protocol);
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->fd >= 0)
		nl->calls->close(nl->fd);
	free(nl);
}

int nl_fd(const struct nl *nl)
{
	return nl->fd;
}

static int set_membership(struct nl *nl, unsigned group, bool member)
{
	int value = (int)group;

	return nl->calls->set(nl->fd, SOL_NETLINK,
			      member ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, &value,
			      sizeof(value));
}

int nl_join(struct nl *nl, unsigned group)
{
	int err = nl->group_count < NL_GROUPS ? set_membership(nl, group, true) : -ENOSPC;

	if (err == 0)
		nl->groups[nl->group_count++] = group;
	return err;
}

void nl_listen(struct nl *nl, bool listens)
{
	for (unsigned i = 0; i < nl->group_count && listens == nl->deaf; i++)
		set_membership(nl, nl->groups[i], listens);
	nl->deaf = !listens;
}

struct nlmsghdr *nl_start(struct nl *nl, uint16_t type, uint16_t flags, size_t extra)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(nl->request);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlmsg_seq = ++nl->sequence;
	mnl_nlmsg_put_extra_header(msg, extra);
	return msg;
}

struct nlmsghdr *nl_start_device(struct nl *nl, unsigned index, unsigned change, unsigned flags)
{
	struct nlmsghdr *msg = nl_start(nl, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);

	info->ifi_index = (int)index;
	info->ifi_change = change;
	info->ifi_flags = flags;
	return msg;
}

int nl_switch_on(struct nl *nl, unsigned index)
{
	nl_start_device(nl, index, IFF_UP, IFF_UP);
	return nl_talk(nl, NULL, NULL);
}

int nl_remove_device(struct nl *nl, unsigned index)
{
	struct nlmsghdr *msg = nl_start(nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);

	info->ifi_index = (int)index;
	return nl_talk(nl, NULL, NULL);
}

const char *nl_words(const struct nl *nl)
{
	return nl->words;
}

/* Keeps the kernel's explanation, the attribute NLMSGERR_ATTR_MSG of an extended acknowledgement.
 */
static void keep_words(struct nl *nl, const struct nlmsghdr *msg)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(msg);
	size_t offset = sizeof(*error);
	const struct nlattr *attr;

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED)) {
		if (error->msg.nlmsg_len < sizeof(error->msg))
			return;
		offset += error->msg.nlmsg_len - sizeof(error->msg);
	}
	mnl_attr_for_each(attr, msg, offset)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(nl->words, sizeof(nl->words), "%s", mnl_attr_get_str(attr));
	}
}

/* Reads messages until the conversation that nl_start() opened is over. */
static int converse(struct nl *nl, nl_answer answer, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl->request;
	int interrupted = 0;
	ssize_t sent;

	nl->words[0] = '\0';
	sent = nl->calls->send(nl->fd, request, request->nlmsg_len, 0);
	if (sent < 0)
		return (int)sent;
	for (;;) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)nl->answer;
		ssize_t got = nl->calls->receive(nl->fd, nl->answer, sizeof(nl->answer), MSG_TRUNC);
		int left;

		if (got == -EINTR)
			continue;
		if (got < 0)
			return (int)got;
		if ((size_t)got > sizeof(nl->answer))
			return -ENOSPC;
		for (left = (int)got; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			if (msg->nlmsg_seq != nl->sequence)
				continue; /* the tail of a conversation that was given up */
			if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = -EINTR;
			if (msg->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *error = mnl_nlmsg_get_payload(msg);

				keep_words(nl, msg);
				return error->error;
			}
			if (msg->nlmsg_type == NLMSG_DONE)
				return interrupted;
			if (msg->nlmsg_type < NLMSG_MIN_TYPE)
				continue;
			if (answer) {
				int err = answer(msg, data);

				if (err < 0)
					return err;
			}
		}
	}
}

int nl_talk(struct nl *nl, nl_answer answer, void *data)
{
	((struct nlmsghdr *)nl->request)->nlmsg_flags |= NLM_F_ACK;
	return converse(nl, answer, data);
}

int nl_dump(struct nl *nl, nl_answer answer, void *data)
{
	((struct nlmsghdr *)nl->request)->nlmsg_flags |= NLM_F_DUMP;
	return converse(nl, answer, data);
}

int nl_receive(struct nl *nl, nl_answer answer, void *data)
{
	int seen = 0;

	for (;;) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)nl->answer;
		ssize_t got =
			nl->calls->receive(nl->fd, nl->answer, sizeof(nl->answer), MSG_DONTWAIT);
		int left;

		if (got == -EINTR)
			continue;
		if (got == -EAGAIN)
			return seen;
		if (got < 0)
			return (int)got;
		for (left = (int)got; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			if (msg->nlmsg_type >= NLMSG_MIN_TYPE) {
				int err = answer(msg, data);

				if (err < 0)
					return err;
				seen++;
			}
		}
	}
}

struct family_query {
	const char *group;
	uint16_t family;
	uint32_t group_id;
};

static void family_groups(const struct nlattr *groups, struct family_query *query)
{
	const struct nlattr *one, *attr;

	mnl_attr_for_each_nested(one, groups)
	{
		const char *name = NULL;
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, one)
		{
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
				name = mnl_attr_get_str(attr);
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
				id = mnl_attr_get_u32(attr);
		}
		if (name && query->group && strcmp(name, query->group) == 0)
			query->group_id = id;
	}
}

static int family_answer(const struct nlmsghdr *msg, void *data)
{
	struct family_query *query = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			query->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			family_groups(attr, query);
	}
	return 0;
}

int nl_family(struct nl *nl, const char *name, const char *group, uint16_t *ret_family,
	      uint32_t *ret_group)
{
	struct family_query query = {.group = group};
	struct nlmsghdr *msg = nl_start(nl, GENL_ID_CTRL, 0, sizeof(struct genlmsghdr));
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);
	int err;

	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(msg, CTRL_ATTR_FAMILY_NAME, name);
	err = nl_talk(nl, family_answer, &query);
	if (err < 0)
		return err;
	if (!query.family || (group && !query.group_id))
		return -ENOENT;
	*ret_family = query.family;
	if (group)
		*ret_group = query.group_id;
	return 0;
}
