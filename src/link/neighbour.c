/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

struct answer {
	uint16_t state;
	uint32_t confirmed; /* ticks ago */
};

static int keep(const struct nlmsghdr *msg, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(msg);
	struct answer *answer = data;
	const struct nlattr *attr;

	answer->state = nd->ndm_state;
	mnl_attr_for_each(attr, msg, sizeof(*nd))
	{
		struct nda_cacheinfo info;

		if (mnl_attr_get_type(attr) != NDA_CACHEINFO ||
		    mnl_attr_get_payload_len(attr) < sizeof(info))
			continue;
		memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
		answer->confirmed = info.ndm_confirmed;
	}
	return 0;
}

static struct ndmsg *start(struct nl *nl, uint16_t type, uint16_t flags, unsigned index,
			   const struct address *address)
{
	struct nlmsghdr *msg = nl_start(nl, type, flags, sizeof(struct ndmsg));
	struct ndmsg *nd = mnl_nlmsg_get_payload(msg);

	nd->ndm_family = (unsigned char)address->family;
	nd->ndm_ifindex = (int)index;
	mnl_attr_put(msg, NDA_DST, address_size(address), address->bytes);
	return nd;
}

static int look_up(struct nl *nl, unsigned index, const struct address *address, struct answer *ret)
{
	int err;

	*ret = (struct answer){0};
	start(nl, RTM_GETNEIGH, 0, index, address);
	err = nl_talk(nl, keep, ret);
	return err == -ENOENT ? 0 : err;
}

int neighbour_state(struct nl *nl, unsigned index, const struct address *address)
{
	const uint32_t second = (uint32_t)sysconf(_SC_CLK_TCK);
	struct answer answer;
	int err = look_up(nl, index, address, &answer);

	if (err < 0)
		return err;
	if ((answer.state & (NUD_PERMANENT | NUD_NOARP)) ||
	    ((answer.state & NUD_REACHABLE) && answer.confirmed <= second))
		return NEIGHBOUR_THERE;
	return answer.state & (NUD_INCOMPLETE | NUD_PROBE) ? NEIGHBOUR_ASKED : NEIGHBOUR_UNKNOWN;
}

int neighbour_ask(struct nl *nl, unsigned index, const struct address *address)
{
	struct answer answer;
	int err = look_up(nl, index, address, &answer);

	if (err < 0)
		return err;
	if (answer.state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE))
		start(nl, RTM_NEWNEIGH, NLM_F_REPLACE, index, address)->ndm_state = NUD_PROBE;
	else
		start(nl, RTM_NEWNEIGH, NLM_F_CREATE, index, address)->ndm_flags = NTF_USE;
	return nl_talk(nl, NULL, NULL);
}
