/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of link a device is. Pure: from what the kernel says of it to a name for people. */
#include "link/links.h"

#include <linux/if_arp.h>
#include <string.h>

const char *const link_kind_names[LINK_KINDS] = {
	[LINK_OTHER] = "other",       [LINK_ETHERNET] = "ethernet",   [LINK_WIFI] = "wifi",
	[LINK_CELLULAR] = "cellular", [LINK_BLUETOOTH] = "bluetooth", [LINK_TUNNEL] = "tunnel",
	[LINK_VIRTUAL] = "virtual",   [LINK_LOOPBACK] = "loopback",
};

struct word {
	const char *word;
	enum link_kind kind;
};

/* What people call kinds, in an alias "kind=WORD" and in policies. */
static const struct word aliases[] = {
	{"ethernet", LINK_ETHERNET}, {"wifi", LINK_WIFI},           {"lte", LINK_CELLULAR},
	{"5g", LINK_CELLULAR},       {"4g", LINK_CELLULAR},         {"3g", LINK_CELLULAR},
	{"cellular", LINK_CELLULAR}, {"bluetooth", LINK_BLUETOOTH}, {"tunnel", LINK_TUNNEL},
	{"virtual", LINK_VIRTUAL},   {"other", LINK_OTHER},
};

/* Drivers of devices that are made, not plugged in. A veth may well be a container's way out. */
static const struct word drivers[] = {
	{"wireguard", LINK_TUNNEL}, {"tun", LINK_TUNNEL},     {"ipip", LINK_TUNNEL},
	{"gre", LINK_TUNNEL},       {"gretap", LINK_TUNNEL},  {"ip6gre", LINK_TUNNEL},
	{"sit", LINK_TUNNEL},       {"ip6tnl", LINK_TUNNEL},  {"vti", LINK_TUNNEL},
	{"xfrm", LINK_TUNNEL},      {"vxlan", LINK_VIRTUAL},  {"geneve", LINK_VIRTUAL},
	{"dummy", LINK_VIRTUAL},    {"ifb", LINK_VIRTUAL},    {"nlmon", LINK_VIRTUAL},
	{"vrf", LINK_VIRTUAL},      {"veth", LINK_ETHERNET},  {"macvlan", LINK_ETHERNET},
	{"ipvlan", LINK_ETHERNET},  {"vlan", LINK_ETHERNET},  {"bond", LINK_ETHERNET},
	{"team", LINK_ETHERNET},    {"rmnet", LINK_CELLULAR},
};

/* The names that systemd and vendors give by kind. Bridges of containers are told by name: a bridge
 * may also be a host's way out. */
static const struct word prefixes[] = {
	{"wlan", LINK_WIFI},        {"wlp", LINK_WIFI},       {"wlx", LINK_WIFI},
	{"wl", LINK_WIFI},          {"wwan", LINK_CELLULAR},  {"wwp", LINK_CELLULAR},
	{"wwx", LINK_CELLULAR},     {"rmnet", LINK_CELLULAR}, {"ppp", LINK_CELLULAR},
	{"usb", LINK_CELLULAR},     {"bnep", LINK_BLUETOOTH}, {"docker", LINK_VIRTUAL},
	{"virbr", LINK_VIRTUAL},    {"br-", LINK_VIRTUAL},    {"cni", LINK_VIRTUAL},
	{"lxcbr", LINK_VIRTUAL},    {"lxdbr", LINK_VIRTUAL},  {"podman", LINK_VIRTUAL},
	{"tun", LINK_TUNNEL},       {"wg", LINK_TUNNEL},      {"vpn", LINK_TUNNEL},
	{"tailscale", LINK_TUNNEL},
};

enum link_kind link_kind_parse(const char *word)
{
	for (unsigned i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (strcmp(word, aliases[i].word) == 0)
			return aliases[i].kind;
	return LINK_KINDS;
}

enum link_kind link_classify(unsigned type, const char *name, const char *driver_kind,
			     const char *alias)
{
	if (strncmp(alias, "kind=", 5) == 0 && link_kind_parse(alias + 5) != LINK_KINDS)
		return link_kind_parse(alias + 5);
	if (type == ARPHRD_LOOPBACK)
		return LINK_LOOPBACK;
	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i].word, strlen(prefixes[i].word)) == 0)
			return prefixes[i].kind;
	for (unsigned i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strcmp(driver_kind, drivers[i].word) == 0)
			return drivers[i].kind;
	switch (type) {
	case ARPHRD_ETHER:
		return LINK_ETHERNET;
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
		return LINK_CELLULAR;
	case ARPHRD_NONE:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
		return LINK_TUNNEL;
	default:
		return LINK_OTHER;
	}
}
