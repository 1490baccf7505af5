/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/net_ports.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "link/watch.h"
#include "run/explain.h"
#include "stack/native.h"

#include <string.h>
#include <sys/socket.h>

static int send_port(const struct net_ports_server *ports, unsigned place)
{
	const struct port_end *end = &ports->ends[place];
	struct net_report report = {.kind = NET_PORT,
				    .port = end->port,
				    .place = place,
				    .ranges = port_hold_ranges(ports->hold)};
	uint8_t data[NET_MESSAGE_MAX];

	return fds_send_with(ports->client, end->fd, data, net_put_report(&report, data));
}

static int send_ranges(const struct net_ports_server *ports)
{
	struct net_report report = {.kind = NET_RANGES, .ranges = port_hold_ranges(ports->hold)};
	uint8_t data[NET_MESSAGE_MAX];
	size_t size = net_put_report(&report, data);

	return send(ports->client, data, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* All at once: which port numbers are held is known with the last. */
int net_ports_tell(struct net_ports_server *ports)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < ports->count; i++) {
		if (!ports->owes[i])
			continue;
		code = send_port(ports, i);
		ports->owes[i] = code == -EAGAIN;
	}
	if (code == 0 && ports->owes_ranges) {
		code = send_ranges(ports);
		ports->owes_ranges = code == -EAGAIN;
	}
	return code;
}

bool net_ports_owes(const struct net_ports_server *ports)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->owes[i])
			return true;
	return ports->owes_ranges;
}

/* What is listened on already. */
static void reach_held(struct net_ports_server *ports, struct port_end *end)
{
	unsigned count;
	const uint16_t *held = port_hold_singles(ports->hold, &count);
	struct err err;

	for (unsigned i = 0; i < count; i++)
		if (port_ways[end->port.way]->reach(end, ports->hold, held[i], &err) < 0)
			ports->say(NET_NOTES, err.text, ports->data);
}

/* NET_PORTS_MAX: there is none. */
static unsigned find_place(const struct net_ports_server *ports)
{
	unsigned i = 0;

	while (i < ports->count && ports->ends[i].fd >= 0)
		i++;
	return i;
}

/* By the way that was asked for, or else behind the host. */
static int open_one(struct net_ports_server *ports, const struct port_place *place,
		    const struct link *link, struct err *err)
{
	unsigned at = find_place(ports);
	struct err nat = {0};
	const char *warning;
	char text[NET_TEXT_MAX];
	struct port_end opened, *end = &ports->ends[at];
	int code = port_open(ports->way, place, link, &opened, err);

	if (code < 0 && ports->way != PORT_NAT) {
		if (port_open(PORT_NAT, place, link, &opened, &nat) < 0)
			return err_prefix(err, code, "link %s", link->name);
		snprintf(text, sizeof(text), "link %s by nat: %s", link->name, err->text);
		ports->say(NET_EXPLAINS, text, ports->data);
	} else if (code < 0) {
		return err_prefix(err, code, "link %s", link->name);
	}
	*end = opened;
	end->port.serial = ++ports->given;
	ports->owes[at] = true;
	if (at == ports->count)
		ports->count++;
	reach_held(ports, end);
	warning = port_ways[end->port.way]->warn(end);
	if (warning)
		ports->say(NET_NOTES, warning, ports->data);
	return 0;
}

/* Those that are down may come up, and those without a gateway lead to neighbours; what the rest are left out for does not
 * change by itself. */
static bool is_wanted(enum multipath_use use)
{
	return use == MULTIPATH_USED || use == MULTIPATH_DOWN || use == MULTIPATH_NO_ADDRESS ||
	       use == MULTIPATH_NO_GATEWAY;
}

static bool has_port(const struct net_ports_server *ports, const struct link *link)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->ends[i].port.link == link->index &&
		    strcmp(ports->ends[i].port.name, link->name) == 0)
			return true;
	return false;
}

/* Of all links that are to be used and have none yet. */
static int open_all(struct net_ports_server *ports, const struct native_plan *plan, struct err *err)
{
	struct port_place place = {.held = ports->hold, .links = &plan->links};
	int code = 0;

	place.ours = journal_changes(ports->journal, &place.our_count);
	for (unsigned i = 0; i < plan->links.count && find_place(ports) < NET_PORTS_MAX; i++)
		if (is_wanted(plan->multipath.use[i]) && !has_port(ports, &plan->links.all[i]))
			code = open_one(ports, &place, &plan->links.all[i], err);
	if (ports->count > 0)
		return 0; /* those that can be had */
	return code < 0 ? code : err_set(err, -ENETDOWN, "no link of this host can be used");
}

static int make_plan(struct net_ports_server *ports, struct native_plan *ret, struct err *err)
{
	struct native_facts facts = {.policy = ports->policy, .routed = true};

	facts.ours = journal_changes(ports->journal, &facts.our_count);
	return native_plan(&ports->netstack, &facts, ret, err);
}

static void on_change(const struct change *change, int result, void *data)
{
	const struct net_ports_server *ports = data;
	char text[EXPLAIN_MAX];

	ports->say(result < 0 ? NET_NOTES : NET_EXPLAINS,
		   explain_change(change, result, text, sizeof(text)), ports->data);
}

/* But for what sends the search elsewhere: nothing that leaves by another device would pass. */
static bool is_of_table(const struct change *change, unsigned link)
{
	return change->kind == CHANGE_ROUTE && !change->route.thrown &&
	       change->route.table == MULTIPATH_TABLE_FIRST + link;
}

static bool has_table(const struct native_plan *plan, unsigned link)
{
	for (unsigned i = 0; i < plan->multipath.count; i++)
		if (is_of_table(&plan->multipath.changes[i], link))
			return true;
	return false;
}

/* The tables of the links whose ports need something, and what those need. A link that leads to neighbours only has no table, and
 * needs none: the main one leads there. */
static unsigned collect(const struct net_ports_server *ports, const struct native_plan *plan,
			struct change *ret)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ports->count; i++) {
		const struct port *port = &ports->ends[i].port;
		struct change needs[PORT_NEEDS_MAX];
		unsigned needed = port->link ? port_ways[port->way]->needs(port, needs) : 0;

		for (unsigned j = 0; j < plan->multipath.count && needed > 0; j++)
			if (is_of_table(&plan->multipath.changes[j], port->link))
				ret[count++] = plan->multipath.changes[j];
		for (unsigned j = 0; j < needed; j++)
			if (needs[j].kind != CHANGE_RULE || has_table(plan, port->link))
				ret[count++] = needs[j];
	}
	return count;
}

static int apply(struct net_ports_server *ports, const struct native_plan *plan)
{
	_cleanup_free_ struct change *wanted = calloc(
		plan->multipath.count + (size_t)NET_PORTS_MAX * PORT_NEEDS_MAX, sizeof(*wanted));

	if (!wanted)
		return -ENOMEM;
	return journal_follow(ports->journal, &ports->netstack, wanted,
			      collect(ports, plan, wanted), on_change, ports);
}

int net_ports_give(struct net_ports_server *ports, struct err *err)
{
	struct native_plan plan;
	int code = netstack_open_host(&ports->netstack);

	ports->opened = true;
	if (code < 0)
		return err_set(err, code, "cannot reach the kernel's network configuration: %s",
			       strerror(-code));
	if (watch_open(&ports->watch) < 0)
		ports->watch = NULL;
	code = port_hold_open(&ports->hold, ports->grows ? PORTS_FEW : PORTS_MANY, !ports->grows,
			      err);
	if (code == 0)
		code = make_plan(ports, &plan, err);
	if (code < 0)
		return code;
	code = open_all(ports, &plan, err);
	if (code == 0)
		apply(ports, &plan); /* what fails is said */
	native_plan_free(&plan);
	/* A stack that took its own port numbers cannot take those of a range later. */
	if (!port_hold_has_range(ports->hold))
		ports->way = PORT_NAT;
	if (code == 0 && net_ports_tell(ports) < 0)
		code = err_set(err, -EPIPE, "the caller is gone");
	return code;
}

/* The client may have seen that it was gone, and waits for another port. */
static void on_gone(unsigned link, void *data)
{
	struct net_ports_server *ports = data;

	for (unsigned i = 0; i < ports->count; i++)
		if (ports->ends[i].port.link == link)
			port_forget(&ports->ends[i].port);
}

/* But what the client is still to get: each of its places has something. */
static void close_gone(struct net_ports_server *ports)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (!ports->ends[i].port.link && !ports->owes[i])
			port_close(&ports->ends[i]);
}

void net_ports_follow(struct net_ports_server *ports)
{
	struct native_plan plan;
	struct err err;

	if (!watch_changed_or_gone(ports->watch, on_gone, ports) ||
	    make_plan(ports, &plan, &err) < 0)
		return;
	for (unsigned i = 0; i < ports->count; i++)
		port_refresh(&plan.links, &ports->ends[i].port);
	close_gone(ports);
	open_all(ports, &plan, &err);
	apply(ports, &plan);
	journal_renew(ports->journal, &ports->netstack, on_change, ports);
	net_ports_tell(ports);
	native_plan_free(&plan);
}

static int hold(struct net_ports_server *ports, uint16_t number, struct err *err)
{
	int code = port_hold_add(ports->hold, number);

	if (code == -EADDRINUSE)
		return err_set(err, code,
			       "port %u is in use on this host: what listens on it "
			       "inside cannot be reached",
			       number);
	if (code == -ENOSPC)
		return err_set(err, code,
			       "port %u cannot be reached inside: %u of the program's choice are "
			       "held already",
			       number, PORT_SINGLE_MAX);
	if (code < 0)
		return err_set(err, code, "port %u cannot be reached inside: %s", number,
			       strerror(-code));
	for (unsigned i = 0; code == 0 && i < ports->count; i++)
		if (ports->ends[i].fd >= 0)
			code = port_ways[ports->ends[i].port.way]->reach(&ports->ends[i],
									 ports->hold, number, err);
	return code < 0 ? err_prefix(err, code, "port %u cannot be reached inside", number) : 0;
}

void net_ports_listen(struct net_ports_server *ports, uint16_t number)
{
	struct err err;

	if (hold(ports, number, &err) < 0)
		ports->say(NET_NOTES, err.text, ports->data);
}

static int widen(struct net_ports_server *ports, struct err *err)
{
	int code = port_hold_take_range(ports->hold, err);

	for (unsigned i = 0; code == 0 && i < ports->count; i++) {
		const struct port_way *way = port_ways[ports->ends[i].port.way];

		if (way->widen && ports->ends[i].fd >= 0)
			code = way->widen(&ports->ends[i], ports->hold, err);
	}
	return code;
}

/* A stack that has all ports for itself needs none. */
void net_ports_more(struct net_ports_server *ports)
{
	struct err err = {0};

	if (port_hold_has_range(ports->hold) && widen(ports, &err) < 0)
		ports->say(NET_NOTES, err.text, ports->data);
	ports->owes_ranges = true;
	net_ports_tell(ports);
}

void net_ports_free(struct net_ports_server *ports)
{
	while (ports->count > 0)
		port_close(&ports->ends[--ports->count]);
	if (ports->hold)
		port_hold_close(ports->hold);
	ports->hold = NULL;
	nl_close(ports->watch);
	if (ports->opened)
		netstack_close(&ports->netstack);
}
