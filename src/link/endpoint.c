/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/endpoint.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

static struct nlmsghdr *start(struct nl *nl, uint16_t family, uint8_t command)
{
	struct nlmsghdr *msg = nl_start(nl, family, 0, sizeof(struct genlmsghdr));
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);

	genl->cmd = command;
	genl->version = MPTCP_PM_VER;
	return msg;
}

static void put_endpoint(struct nlmsghdr *msg, const struct endpoint *endpoint)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, MPTCP_PM_ATTR_ADDR);
	const struct address *a = &endpoint->address;

	mnl_attr_put_u16(msg, MPTCP_PM_ADDR_ATTR_FAMILY, a->family);
	mnl_attr_put(msg,
		     a->family == AF_INET ? MPTCP_PM_ADDR_ATTR_ADDR4 : MPTCP_PM_ADDR_ATTR_ADDR6,
		     address_size(a), a->bytes);
	if (endpoint->id)
		mnl_attr_put_u8(msg, MPTCP_PM_ADDR_ATTR_ID, endpoint->id);
	if (endpoint->flags)
		mnl_attr_put_u32(msg, MPTCP_PM_ADDR_ATTR_FLAGS, endpoint->flags);
	if (endpoint->index)
		mnl_attr_put_u32(msg, MPTCP_PM_ADDR_ATTR_IF_IDX, endpoint->index);
	mnl_attr_nest_end(msg, nest);
}

struct dump {
	endpoint_each each;
	void *data;
};

static int dump_answer(const struct nlmsghdr *msg, void *data)
{
	struct dump *dump = data;
	const struct nlattr *nest, *attr;

	mnl_attr_for_each(nest, msg, sizeof(struct genlmsghdr))
	{
		struct endpoint e = {0};
		int err;

		if (mnl_attr_get_type(nest) != MPTCP_PM_ATTR_ADDR)
			continue;
		mnl_attr_for_each_nested(attr, nest)
		{
			size_t size = mnl_attr_get_payload_len(attr);
			const void *payload = mnl_attr_get_payload(attr);

			switch (mnl_attr_get_type(attr)) {
			case MPTCP_PM_ADDR_ATTR_ADDR4:
			case MPTCP_PM_ADDR_ATTR_ADDR6:
				if (size != 4 && size != 16)
					return -EPROTO;
				e.address.family = size == 4 ? AF_INET : AF_INET6;
				e.address.prefix = (uint8_t)(size * 8);
				memcpy(e.address.bytes, payload, size);
				break;
			case MPTCP_PM_ADDR_ATTR_ID:
				e.id = mnl_attr_get_u8(attr);
				break;
			case MPTCP_PM_ADDR_ATTR_FLAGS:
				e.flags = mnl_attr_get_u32(attr);
				break;
			case MPTCP_PM_ADDR_ATTR_IF_IDX:
				e.index = mnl_attr_get_u32(attr);
				break;
			default:
				break;
			}
		}
		err = dump->each(&e, dump->data);
		if (err < 0)
			return err;
	}
	return 0;
}

int endpoint_dump(struct nl *nl, uint16_t family, endpoint_each each, void *data)
{
	struct dump dump = {each, data};

	start(nl, family, MPTCP_PM_CMD_GET_ADDR);
	return nl_dump(nl, dump_answer, &dump);
}

int endpoint_add(struct nl *nl, uint16_t family, const struct endpoint *endpoint)
{
	put_endpoint(start(nl, family, MPTCP_PM_CMD_ADD_ADDR), endpoint);
	return nl_talk(nl, NULL, NULL);
}

static int keep_match(const struct endpoint *endpoint, void *data)
{
	struct endpoint *wanted = data;

	if (address_equal(&endpoint->address, &wanted->address))
		wanted->id = endpoint->id;
	return 0;
}

int endpoint_remove(struct nl *nl, uint16_t family, const struct endpoint *endpoint)
{
	struct endpoint wanted = *endpoint;
	int err;

	wanted.id = 0;
	err = endpoint_dump(nl, family, keep_match, &wanted);
	if (err < 0)
		return err;
	if (!wanted.id)
		return -ENOENT;
	wanted.flags = 0;
	wanted.index = 0;
	put_endpoint(start(nl, family, MPTCP_PM_CMD_DEL_ADDR), &wanted);
	return nl_talk(nl, NULL, NULL);
}

int endpoint_drop_initial(struct nl *nl, uint16_t family, const struct address *address)
{
	/* Every connection calls the address that it began from number 0, whatever it is. */
	put_endpoint(start(nl, family, MPTCP_PM_CMD_DEL_ADDR),
		     &(struct endpoint){.address = *address});
	return nl_talk(nl, NULL, NULL);
}

int endpoint_set_backup(struct nl *nl, uint16_t family, const struct endpoint *endpoint)
{
	struct endpoint is = {.address = endpoint->address,
			      .flags = endpoint->flags & MPTCP_PM_ADDR_FLAG_BACKUP};

	put_endpoint(start(nl, family, MPTCP_PM_CMD_SET_FLAGS), &is);
	return nl_talk(nl, NULL, NULL);
}

struct of_device {
	unsigned index, count;
	struct endpoint all[ENDPOINT_MAX];
};

static int keep_of_device(const struct endpoint *endpoint, void *data)
{
	struct of_device *of = data;

	if (endpoint->index == of->index && of->count < ENDPOINT_MAX)
		of->all[of->count++] = *endpoint;
	return 0;
}

int endpoint_tell(struct nl *nl, uint16_t family, unsigned index)
{
	/* Both are set at once: what is not said would be taken away. */
	const uint32_t settable = MPTCP_PM_ADDR_FLAG_BACKUP | MPTCP_PM_ADDR_FLAG_FULLMESH;
	struct of_device of = {.index = index};
	int err = endpoint_dump(nl, family, keep_of_device, &of);

	for (unsigned i = 0; i < of.count && err == 0; i++)
		for (unsigned flip = 0; flip <= 1 && err == 0; flip++) {
			struct endpoint is = {.address = of.all[i].address,
					      .flags = of.all[i].flags & settable};

			is.flags ^= flip ? 0 : MPTCP_PM_ADDR_FLAG_BACKUP;
			put_endpoint(start(nl, family, MPTCP_PM_CMD_SET_FLAGS), &is);
			err = nl_talk(nl, NULL, NULL);
		}
	return err;
}

static int limits_answer(const struct nlmsghdr *msg, void *data)
{
	struct endpoint_limits *limits = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == MPTCP_PM_ATTR_SUBFLOWS)
			limits->subflows = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == MPTCP_PM_ATTR_RCV_ADD_ADDRS)
			limits->add_addr_accepted = mnl_attr_get_u32(attr);
	}
	return 0;
}

int endpoint_limits_get(struct nl *nl, uint16_t family, struct endpoint_limits *ret)
{
	start(nl, family, MPTCP_PM_CMD_GET_LIMITS);
	return nl_talk(nl, limits_answer, ret);
}

int endpoint_limits_set(struct nl *nl, uint16_t family, const struct endpoint_limits *limits)
{
	struct nlmsghdr *msg = start(nl, family, MPTCP_PM_CMD_SET_LIMITS);

	mnl_attr_put_u32(msg, MPTCP_PM_ATTR_RCV_ADD_ADDRS, limits->add_addr_accepted);
	mnl_attr_put_u32(msg, MPTCP_PM_ATTR_SUBFLOWS, limits->subflows);
	return nl_talk(nl, NULL, NULL);
}

/* In the kernel, before a reader is woken: short connections are announced by the thousand, three times each. */
static int attach_filter(struct nl *nl)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct genlmsghdr, cmd)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MPTCP_EVENT_ESTABLISHED, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, MPTCP_EVENT_SUB_ESTABLISHED, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(nl_fd(nl), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0
		       ? -errno
		       : 0;
}

int endpoint_watch(struct nl **ret)
{
	_cleanup_nl_ struct nl *nl = NULL;
	uint16_t family;
	uint32_t group;
	int err = nl_open(&nl, NETLINK_GENERIC);

	if (err == 0)
		err = nl_family(nl, MPTCP_PM_NAME, MPTCP_PM_EV_GRP_NAME, &family, &group);
	if (err == 0)
		err = attach_filter(nl); /* what comes from now on are announcements */
	if (err == 0)
		err = nl_join(nl, group);
	if (err < 0)
		return err;
	*ret = nl;
	nl = NULL;
	return 0;
}
