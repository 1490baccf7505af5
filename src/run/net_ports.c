/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/net_ports.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "stack/native.h"

#include <string.h>
#include <sys/socket.h>

static int send_port(int client, const struct net_report *report, int fd)
{
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_report(report, data);

	return send(client, data, size, MSG_NOSIGNAL) < 0 ? -errno : fds_send(client, fd);
}

static int give_one(struct net_ports_server *ports, int client, const struct links *links,
		    const struct link *link, struct err *err)
{
	struct net_report report = {.kind = NET_PORT, .range = port_hold_range(ports->hold)};
	uint8_t mac[ETH_ALEN];
	int fd = port_open_shared(ports->hold, link->index, mac, err), code;

	if (fd < 0)
		return err_prefix(err, fd, "link %s", link->name);
	ports->fds[ports->count++] = fd;
	port_describe(links, link, mac, &report.port);
	code = send_port(client, &report, fd);
	return code < 0 ? err_set(err, code, "the caller is gone") : 0;
}

/* Those that are down may come up, and those without a gateway lead to neighbours; what the rest are left out for does not
 * change by itself. */
static bool is_wanted(enum multipath_use use)
{
	return use == MULTIPATH_USED || use == MULTIPATH_DOWN || use == MULTIPATH_NO_ADDRESS ||
	       use == MULTIPATH_NO_GATEWAY;
}

static int give_all(struct net_ports_server *ports, int client, const struct native_plan *plan,
		    struct err *err)
{
	int code = 0;

	for (unsigned i = 0; i < plan->links.count && ports->count < NET_PORTS_MAX; i++)
		if (is_wanted(plan->multipath.use[i]))
			code = give_one(ports, client, &plan->links, &plan->links.all[i], err);
	if (ports->count > 0)
		return 0; /* those that can be had */
	return code < 0 ? code : err_set(err, -ENETDOWN, "no link of this host can be used");
}

int net_ports_give(struct net_ports_server *ports, int client, const struct policy *policy,
		   struct err *err)
{
	struct netstack netstack;
	struct native_plan plan;
	int code = netstack_open_host(&netstack);

	if (code < 0)
		return err_set(err, code, "cannot reach the kernel's network configuration: %s",
			       strerror(-code));
	code = native_plan(&netstack, &(struct native_facts){.policy = policy}, &plan, err);
	netstack_close(&netstack);
	if (code < 0)
		return code;
	code = port_hold_open(&ports->hold, err);
	if (code == 0)
		code = give_all(ports, client, &plan, err);
	native_plan_free(&plan);
	return code;
}

int net_ports_hold(struct net_ports_server *ports, uint16_t port, struct err *err)
{
	int code = port_hold_add(ports->hold, port);

	for (unsigned i = 0; code == 0 && i < ports->count; i++)
		code = port_refilter(ports->hold, ports->fds[i]);
	if (code == -EADDRINUSE)
		return err_set(err, code,
			       "port %u is in use on this host: what listens on it "
			       "inside cannot be reached",
			       port);
	if (code < 0)
		return err_set(err, code, "port %u cannot be reached inside: %s", port,
			       strerror(-code));
	return 0;
}

void net_ports_free(struct net_ports_server *ports)
{
	while (ports->count > 0)
		close_fd(ports->fds[--ports->count]);
	if (ports->hold)
		port_hold_close(ports->hold);
	ports->hold = NULL;
}
