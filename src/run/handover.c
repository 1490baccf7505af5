/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/handover.h"

#include "base/clock.h"
#include "run/explain.h"

#include <errno.h>

#define LEADS_WITHIN (200 * NS_PER_MS)

/* What the path monitor has decided. */
static void act(unsigned link, enum monitor_action action, void *data)
{
	struct handover *h = data;
	const struct prober_target *peer = lookout_peer(&h->lookout, link);

	if (h->explains)
		explain_monitor(&h->view->links, link, action, stderr);
	if (action == MONITOR_PROBE && peer && prober_ask(&h->prober, link, peer) == -EADDRNOTAVAIL)
		monitor_answered(h->lookout.monitor, link);
	if (action == MONITOR_TAKE_OUT || action == MONITOR_PUT_IN || action == MONITOR_GO_ON)
		net_silent(h->net, link, NET_MONITOR, action == MONITOR_TAKE_OUT);
}

static void put_in_anew(unsigned link, void *data)
{
	struct handover *h = data;

	if (h->explains)
		explain_rejoin(&h->view->links, link, stderr);
	net_renew(h->net, link);
}

static void bound_backlog(uint32_t bytes, void *data)
{
	struct handover *h = data;

	net_backlog(h->net, bytes);
}

static void act_of_gate(unsigned link, bool silent, void *data)
{
	struct handover *h = data;

	if (h->explains)
		explain_monitor(&h->view->links, link, silent ? MONITOR_TAKE_OUT : MONITOR_PUT_IN,
				stderr);
	net_silent(h->net, link, NET_GATE, silent);
	h->leads_until = silent ? clock_now() + LEADS_WITHIN : 0;
}

static int ask_for_gate(unsigned link, void *data)
{
	return net_ask(data, link);
}

static void look_at_gate(struct handover *h)
{
	for (unsigned i = 0; i < h->gate.count; i++)
		gate_alive(&h->gate, h->gate.links[i].index,
			   monitor_moved_at(h->lookout.monitor, h->gate.links[i].index));
	gate_look(&h->gate, clock_now(), act_of_gate, h);
}

static void act_of_carrier(unsigned link, bool lost, void *data)
{
	struct handover *h = data;

	if (h->explains)
		explain_carrier(&h->view->links, link, lost, stderr);
	net_silent(h->net, link, NET_CARRIER, lost);
}

static void look_at_carriers(struct handover *h)
{
	carriers_look(&h->carriers, h->view->route, &h->view->links, h->view->use, act_of_carrier,
		      h);
}

static void look_out(struct handover *h)
{
	const struct lookout_acts acts = {act, put_in_anew, bound_backlog, h};

	if (h->net->privileged)
		view_tell_rejoin(h->view, &h->lookout.rejoin);
	if (h->net->privileged && monitor_is_watching(h->lookout.monitor))
		look_at_carriers(h);
	lookout_look(&h->lookout, &h->view->links, &acts);
}

int handover_open(struct handover *h, struct net *net, struct view *view, bool explains)
{
	int err;

	*h = (struct handover){.net = net, .view = view, .explains = explains};
	err = lookout_open(&h->lookout);
	if (err < 0)
		return err;
	gate_open(&h->gate, net->privileged ? view->route : NULL, ask_for_gate, net);
	view_tell_gate(view, &h->gate);
	return 0;
}

void handover_close(struct handover *h)
{
	prober_close(&h->prober);
	lookout_close(&h->lookout);
}

/* A link that comes back has another index. What is kept of those that are gone would take the place of others in the end. */
static void forget_gone(struct handover *h)
{
	carriers_forget(&h->carriers, &h->view->links);
	lookout_forget(&h->lookout, &h->view->links);
	net_forget(h->net, &h->view->links);
}

void handover_on_links(struct handover *h)
{
	forget_gone(h);
	view_tell_gate(h->view, &h->gate);
	if (h->carriers.count > 0)
		look_at_carriers(h);
}

void handover_on_net_end(struct handover *h)
{
	gate_close(&h->gate);
}

void handover_poll(const struct handover *h, struct pollfd fds[static PROBER_MAX])
{
	prober_poll(&h->prober, fds);
}

void handover_on_probes(struct handover *h, const struct pollfd fds[static PROBER_MAX])
{
	unsigned link;

	while ((link = prober_answer(&h->prober, fds)) != 0) {
		monitor_answered(h->lookout.monitor, link);
		lookout_soon(&h->lookout);
	}
}

void handover_look(struct handover *h)
{
	if (clock_now() >= h->lookout.next)
		look_out(h);
	look_at_gate(h);
}

/* A program that waits at the gate goes on when the way around the dead link is there, not before. */
bool handover_is_held(const struct handover *h, uint64_t now)
{
	return h->gate.asking || (h->gate.dead && now < h->leads_until &&
				  net_use_of(h->net, h->gate.dead) != MULTIPATH_SILENT);
}

uint64_t handover_next(const struct handover *h, uint64_t now)
{
	uint64_t next = h->lookout.next, gate = gate_next(&h->gate, now);

	if (gate < next)
		next = gate;
	if (handover_is_held(h, now) && h->leads_until > now && h->leads_until < next)
		next = h->leads_until;
	return next;
}
