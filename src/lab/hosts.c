/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/hosts.h"

#include "base/cleanup.h"
#include "lab/nat.h"
#include "lab/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/ethernet.h>
#include <sched.h>
#include <string.h>

#define NS_FILE   "/proc/thread-self/ns/net"
#define TX_QUEUE  16384 /* frames that wait for the emulator; a TCP window must fit */
#define FAILED(c) ((c) < 0 && (c) != -EEXIST)

int host_enter(int ns)
{
	return setns(ns, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* Settings that are missing in this kernel, or may not be changed here, stay as they are. */
static int write_setting(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

/* In the host's namespace, before it has devices: they take over what "default" says. */
static int write_settings(const struct scenario_host *host, struct err *err)
{
	static const struct {
		const char *path, *value;
	} settings[] = {
		/* A host with several links gets packets where it would not send the answer. */
		{"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
		{"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
		/* Addresses are usable at once, and only those of the scenario. */
		{"/proc/sys/net/ipv6/conf/all/accept_dad", "0"},
		{"/proc/sys/net/ipv6/conf/default/accept_dad", "0"},
		{"/proc/sys/net/ipv6/conf/default/accept_ra", "0"},
		{"/proc/sys/net/ipv6/conf/default/router_solicitations", "0"},
		{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "0"},
		{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "0"},
	};
	static const char *const forwarding[] = {
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding",
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		write_setting(settings[i].path, settings[i].value);
	for (size_t i = 0; host->forward && i < ARRAY_SIZE(forwarding); i++) {
		int code = write_setting(forwarding[i], "1");

		if (code < 0 && code != -ENOENT)
			return err_set(err, code,
				       "host '%s' cannot forward: %s cannot be written: %s",
				       host->name, forwarding[i], strerror(-code));
	}
	return 0;
}

void hosts_silence(void)
{
	write_setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

static struct nlmsghdr *start_link(struct nl *nl, const char *name, unsigned flags)
{
	struct nlmsghdr *msg = nl_start_device(nl, 0, flags, flags);

	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	return msg;
}

/* The thread is in the new namespace. */
static int fill_host(struct host *host, const struct scenario_host *wanted, struct err *err)
{
	int code;

	host->ns = open(NS_FILE, O_RDONLY | O_CLOEXEC);
	if (host->ns < 0)
		return err_set(err, -errno, "%s cannot be opened: %s", NS_FILE, strerror(errno));
	code = nl_open(&host->nl, NETLINK_ROUTE);
	if (code < 0)
		return err_set(err, code, "no netlink socket: %s", strerror(-code));
	start_link(host->nl, "lo", IFF_UP);
	code = nl_talk(host->nl, NULL, NULL);
	if (code < 0)
		return err_set(err, code, "loopback cannot be brought up: %s", strerror(-code));
	return write_settings(wanted, err);
}

int host_take(const struct scenario_host *wanted, struct host *ret, struct err *err)
{
	struct host host = {.ns = -1};
	int code = fill_host(&host, wanted, err);

	if (code >= 0) {
		*ret = host;
		return 0;
	}
	nl_close(host.nl);
	close_fd(host.ns);
	return code;
}

int hosts_make(const struct scenario *scenario, struct host **ret, struct err *err)
{
	_cleanup_close_ int home = open(NS_FILE, O_RDONLY | O_CLOEXEC);
	struct host *hosts = calloc(scenario->host_count, sizeof(*hosts));
	int code = 0;

	if (!hosts)
		return -ENOMEM;
	for (unsigned i = 0; i < scenario->host_count; i++)
		hosts[i].ns = -1;
	if (home < 0)
		code = err_set(err, -errno, "%s cannot be opened: %s", NS_FILE, strerror(errno));
	for (unsigned i = 0; code >= 0 && i < scenario->host_count; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			code = err_set(err, -errno, "no network namespace for host '%s': %s",
				       scenario->hosts[i].name, strerror(errno));
		else
			code = fill_host(&hosts[i], &scenario->hosts[i], err);
	}
	if (home >= 0 && host_enter(home) < 0 && code >= 0)
		code = err_set(err, -errno, "cannot leave the namespaces of the hosts: %s",
			       strerror(errno));
	if (code < 0) {
		hosts_free(hosts, scenario->host_count);
		return code;
	}
	*ret = hosts;
	return 0;
}

void hosts_free(struct host *hosts, unsigned count)
{
	if (!hosts)
		return;
	for (unsigned i = 0; i < count; i++) {
		nl_close(hosts[i].nl);
		close_fd(hosts[i].ns);
	}
	free(hosts);
}

/* The kernel's words, or the number's. */
static const char *reason(const struct nl *nl, int code)
{
	return *nl_words(nl) ? nl_words(nl) : strerror(-code);
}

void hosts_hardware(unsigned number, unsigned end, uint8_t ret[static ETH_ALEN])
{
	const uint8_t address[ETH_ALEN] = {
		0x02, 0, 0, (uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(end + 1)};

	memcpy(ret, address, ETH_ALEN);
}

/* The alias says what the link stands for, to those who look at it from inside. */
static int set_up_device(struct nl *nl, const struct scenario_link *link, unsigned number,
			 unsigned index, struct err *err)
{
	const struct scenario_end *end = &link->ends[index];
	uint8_t hardware[ETH_ALEN];
	struct nlmsghdr *msg = start_link(nl, end->name, 0);
	char alias[sizeof("kind=") + sizeof(end->kind)];
	int code;

	hosts_hardware(number, index, hardware);
	snprintf(alias, sizeof(alias), "kind=%s", end->kind);
	mnl_attr_put_u32(msg, IFLA_MTU, link->mtu);
	mnl_attr_put_u32(msg, IFLA_TXQLEN, TX_QUEUE);
	mnl_attr_put_strz(msg, IFLA_IFALIAS, alias);
	mnl_attr_put(msg, IFLA_ADDRESS, sizeof(hardware), hardware);
	code = nl_talk(nl, NULL, NULL);
	if (code >= 0) {
		start_link(nl, end->name, IFF_UP);
		code = nl_talk(nl, NULL, NULL);
	}
	if (code < 0)
		return err_set(err, code, "device '%s' of link '%s' cannot be set up: %s",
			       end->name, link->name, reason(nl, code));
	return 0;
}

static int device_number(const struct nlmsghdr *msg, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);

	*(int *)data = info->ifi_index;
	return 0;
}

static int find_device(struct nl *nl, const char *name, int *ret)
{
	struct nlmsghdr *msg = nl_start(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));

	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	return nl_talk(nl, device_number, ret);
}

static int add_address(struct nl *nl, int device, const struct address *address)
{
	struct nlmsghdr *msg =
		nl_start(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(msg);

	info->ifa_family = (uint8_t)address->family;
	info->ifa_prefixlen = address->prefix;
	info->ifa_index = (unsigned)device;
	info->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(msg, IFA_LOCAL, address_size(address), address->bytes);
	mnl_attr_put(msg, IFA_ADDRESS, address_size(address), address->bytes);
	return nl_talk(nl, NULL, NULL);
}

static int add_addresses(struct nl *nl, const struct scenario_end *end, struct err *err)
{
	int device = 0, code = find_device(nl, end->name, &device);

	for (unsigned i = 0; code >= 0 && i < end->address_count; i++) {
		char text[ADDRESS_TEXT_MAX];

		code = add_address(nl, device, &end->addresses[i]);
		if (FAILED(code))
			return err_set(err, code, "address %s of device '%s' cannot be added: %s",
				       address_text_prefix(&end->addresses[i], text), end->name,
				       reason(nl, code));
	}
	return 0;
}

static int add_route(struct nl *nl, const struct scenario *scenario, const struct route *route,
		     struct err *err)
{
	const struct scenario_end *end = &scenario->links[route->link].ends[route->end];
	char network[ADDRESS_TEXT_MAX], gateway[ADDRESS_TEXT_MAX];
	struct nlmsghdr *msg;
	struct rtmsg *info;
	int device = 0, code = find_device(nl, end->name, &device);

	if (code >= 0) {
		/* Not exclusive: IPv6 would make several routes of one metric a multipath route. */
		msg = nl_start(nl, RTM_NEWROUTE, NLM_F_CREATE, sizeof(struct rtmsg));
		info = mnl_nlmsg_get_payload(msg);
		info->rtm_family = (uint8_t)route->network.family;
		info->rtm_dst_len = route->network.prefix;
		info->rtm_table = RT_TABLE_MAIN;
		info->rtm_protocol = RTPROT_STATIC;
		info->rtm_scope = RT_SCOPE_UNIVERSE;
		info->rtm_type = RTN_UNICAST;
		if (route->network.prefix)
			mnl_attr_put(msg, RTA_DST, address_size(&route->network),
				     route->network.bytes);
		mnl_attr_put(msg, RTA_GATEWAY, address_size(&route->gateway), route->gateway.bytes);
		mnl_attr_put_u32(msg, RTA_OIF, (uint32_t)device);
		mnl_attr_put_u32(msg, RTA_PRIORITY, route->metric);
		code = nl_talk(nl, NULL, NULL);
	}
	if (FAILED(code))
		return err_set(err, code,
			       "host '%s': the route to %s over '%s' by %s cannot be added: %s",
			       scenario->hosts[route->host].name,
			       address_text_prefix(&route->network, network), end->name,
			       address_text(&route->gateway, gateway), reason(nl, code));
	return 0;
}

static int configure_end(const struct scenario *scenario, const struct host *hosts, unsigned link,
			 unsigned index, struct err *err)
{
	const struct scenario_end *end = &scenario->links[link].ends[index];
	struct nl *nl = hosts[end->host].nl;
	int code = nl ? set_up_device(nl, &scenario->links[link], link, index, err) : 0;

	return nl && code >= 0 ? add_addresses(nl, end, err) : code;
}

static int configure_nat(const struct scenario *scenario, const struct host *hosts, unsigned link,
			 unsigned index, struct err *err)
{
	const struct scenario_end *end = &scenario->links[link].ends[index];
	_cleanup_close_ int home = -1;
	int code;

	if (!end->nat || !hosts[end->host].nl)
		return 0;
	home = open(NS_FILE, O_RDONLY | O_CLOEXEC);
	if (home < 0 || host_enter(hosts[end->host].ns) < 0)
		return err_set(err, -errno, "host '%s' cannot be entered: %s",
			       scenario->hosts[end->host].name, strerror(errno));
	code = nat_masquerade(end->name, err);
	if (code < 0)
		err_prefix(err, code, "host '%s'", scenario->hosts[end->host].name);
	if (host_enter(home) < 0 && code >= 0)
		code = err_set(err, -errno, "host '%s' cannot be left: %s",
			       scenario->hosts[end->host].name, strerror(errno));
	return code;
}

int hosts_configure(const struct scenario *scenario, const struct host *hosts, struct err *err)
{
	_cleanup_free_ struct route *routes = NULL;
	unsigned count = 0;
	int code = routes_find(scenario, &routes, &count);

	for (unsigned i = 0; code >= 0 && i < 2 * scenario->link_count; i++)
		code = configure_end(scenario, hosts, i / 2, i % 2, err);
	for (unsigned i = 0; code >= 0 && i < count; i++)
		if (hosts[routes[i].host].nl)
			code = add_route(hosts[routes[i].host].nl, scenario, &routes[i], err);
	for (unsigned i = 0; code >= 0 && i < 2 * scenario->link_count; i++)
		code = configure_nat(scenario, hosts, i / 2, i % 2, err);
	return code;
}

void hosts_write_names(const struct scenario *scenario, FILE *out)
{
	char machine[256] = "";

	fprintf(out, "127.0.0.1 localhost\n::1 localhost ip6-localhost\n");
	if (gethostname(machine, sizeof(machine) - 1) == 0 && *machine &&
	    scenario_find_host(scenario, machine) < 0)
		fprintf(out, "127.0.1.1 %s\n", machine); /* programs look their own up */
	for (unsigned host = 0; host < scenario->host_count; host++)
		for (unsigned i = 0; i < 2 * scenario->link_count; i++) {
			const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];
			char text[ADDRESS_TEXT_MAX];

			for (unsigned j = 0; end->host == host && j < end->address_count; j++)
				fprintf(out, "%s %s %s.%s\n",
					address_text(&end->addresses[j], text),
					scenario->hosts[host].name, scenario->hosts[host].name,
					end->name);
		}
}
