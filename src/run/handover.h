/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done about links that fail, and come back. Four look at them: the path monitor and what watches over joins (both in lookout),
 * what asks for carriers, and what asks next hops before somebody new is talked to (gate). What they decide goes to rivulet-net, and
 * to a person who wants to know.
 */
#pragma once

#include "run/carriers.h"
#include "run/gate.h"
#include "run/lookout.h"
#include "run/net.h"
#include "run/prober.h"
#include "run/view.h"

struct handover {
	struct net *net;   /* borrowed */
	struct view *view; /* borrowed */
	bool explains;     /* on standard error */
	struct lookout lookout;
	struct carriers carriers;
	struct prober prober;
	struct gate gate;
	uint64_t leads_until; /* new connections are led around a link by then */
};

/* @net and @view are open. -ENOMEM, or 0; the caller closes in any case. */
int handover_open(struct handover *handover, struct net *net, struct view *view, bool explains);
void handover_close(struct handover *handover);

/* What becomes of links has changed, and the view with it. */
void handover_on_links(struct handover *handover);
/* rivulet-net has ended. */
void handover_on_net_end(struct handover *handover);

/* What probes wait for; after poll(), what came. */
void handover_poll(const struct handover *handover, struct pollfd fds[static PROBER_MAX]);
void handover_on_probes(struct handover *handover, const struct pollfd fds[static PROBER_MAX]);

/* Does what is due; call it at handover_next(). Who is to be followed has been told to the ledger. */
void handover_look(struct handover *handover);
/* UINT64_MAX: not before something happens. */
uint64_t handover_next(const struct handover *handover, uint64_t now);

/* Is whoever makes a socket to wait? */
bool handover_is_held(const struct handover *handover, uint64_t now);
