/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/supervisor.h"

#include "attach/filter.h"
#include "attach/substitute.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "run/bystanders.h"
#include "run/explain.h"
#include "run/gate.h"
#include "run/lookout.h"
#include "run/prober.h"
#include "run/status.h"
#include "run/summary.h"
#include "run/upkeep.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { CONTROL, LISTENER, LINKS, GONE, EVENTS, STATUS, PROBES, SOURCES = PROBES + PROBER_MAX };

struct state {
	const struct supervisor *setup;
	struct substitute *substitute;
	struct upkeep upkeep;
	struct lookout lookout;
	struct prober prober;
	struct gate gate;
	struct status status;
	unsigned refused;
	bool ended; /* the program has */
};

void supervisor_say(int control, char what)
{
	if (send(control, &what, 1, MSG_NOSIGNAL) < 0)
		return;
}

/* What the path monitor has decided. */
static void act(unsigned link, enum monitor_action action, void *data)
{
	struct state *s = data;
	const struct prober_target *peer = lookout_peer(&s->lookout, link);

	if (s->setup->options->explain)
		explain_monitor(&s->upkeep.plan.links, link, action, stderr);
	if (action == MONITOR_PROBE && peer)
		prober_ask(&s->prober, link, peer);
	if (action != MONITOR_PROBE)
		upkeep_silence(&s->upkeep, link, UPKEEP_MONITOR, action == MONITOR_TAKE_OUT);
}

static void put_in_anew(unsigned link, void *data)
{
	struct state *s = data;

	if (s->setup->options->explain)
		explain_rejoin(&s->upkeep.plan.links, link, stderr);
	upkeep_renew(&s->upkeep, link);
}

/* Who watches over joins knows the links that should carry subflows. */
static void tell_rejoin(struct state *s)
{
	const struct native_plan *plan = &s->upkeep.plan;
	struct rejoin_link used[REJOIN_LINKS];
	unsigned count = 0;

	for (unsigned i = 0; i < plan->links.count && count < REJOIN_LINKS; i++) {
		const struct link *link = &plan->links.all[i];

		if (plan->multipath.use[i] != MULTIPATH_USED)
			continue;
		used[count] = (struct rejoin_link){.index = link->index};
		for (unsigned a = 0; a < link->address_count; a++)
			used[count].families |=
				link->addresses[a].family == AF_INET ? REJOIN_IPV4 : REJOIN_IPV6;
		count++;
	}
	rejoin_links(&s->lookout.rejoin, used, s->upkeep.unprivileged ? 0 : count);
}

/* The gate knows the links that are there now. */
static void tell_gate(struct state *s)
{
	const struct native_plan *plan = &s->upkeep.plan;
	unsigned usable[GATE_LINKS + 1], count = 0, first = 0;

	for (unsigned i = 0; i < plan->links.count; i++) {
		const struct link *link = &plan->links.all[i];
		enum multipath_use use = plan->multipath.use[i];

		if (use != MULTIPATH_USED && use != MULTIPATH_SILENT)
			continue;
		if (multipath_begins_on(&plan->links, link))
			first = link->index;
		if (count < GATE_LINKS)
			usable[count++] = link->index;
	}
	usable[count] = 0;
	gate_links(&s->gate, &plan->links, usable, first);
}

static void act_of_gate(unsigned link, bool silent, void *data)
{
	struct state *s = data;

	if (s->setup->options->explain)
		explain_monitor(&s->upkeep.plan.links, link,
				silent ? MONITOR_TAKE_OUT : MONITOR_PUT_IN, stderr);
	upkeep_silence(&s->upkeep, link, UPKEEP_GATE, silent);
}

static void look_at_gate(struct state *s)
{
	for (unsigned i = 0; i < s->gate.count; i++)
		gate_alive(&s->gate, s->gate.links[i].index,
			   monitor_moved_at(s->lookout.monitor, s->gate.links[i].index));
	gate_look(&s->gate, clock_now(), act_of_gate, s);
}

static void bound_backlog(uint32_t bytes, void *data)
{
	struct state *s = data;

	upkeep_backlog(&s->upkeep, bytes);
}

static void look(struct state *s)
{
	const struct lookout_acts acts = {act, put_in_anew, bound_backlog, s};

	tell_rejoin(s);
	lookout_look(&s->lookout, &s->upkeep.plan.links, &acts);
	upkeep_retry(&s->upkeep);
}

static void summarise(struct state *s, bool goes_on)
{
	const struct run_options *options = s->setup->options;
	struct summary summary = {
		.links = &s->upkeep.plan.links, .refused = s->refused, .open = goes_on};

	lookout_settle(&s->lookout, &s->upkeep.plan.links);
	summary.totals = ledger_totals(s->lookout.ledger);
	if (options->report) {
		_cleanup_fclose_ FILE *file = fopen(options->report, "we");

		if (!file || summary_print_json(&summary, file) < 0)
			fprintf(stderr, "rivulet: cannot write the report %s: %s\n",
				options->report, strerror(errno));
	}
	if (options->json)
		summary_print_json(&summary, stderr);
	else if (!options->quiet)
		summary_print(&summary, stderr);
}

static void serve(struct state *s)
{
	struct substituted done;

	if (gate_holds(&s->gate, clock_now()) || substitute_serve(s->substitute, &done) <= 0)
		return;
	if (done.inode) {
		ledger_made(s->lookout.ledger, done.inode);
		lookout_soon(&s->lookout);
	} else {
		s->refused++;
	}
}

static void answer_status(struct state *s)
{
	const struct status_facts facts = {.pid = s->setup->foreground,
					   .argv = s->setup->options->argv,
					   .ended = s->ended,
					   .links = &s->upkeep.plan.links,
					   .use = s->upkeep.plan.multipath.use,
					   .ledger = s->lookout.ledger,
					   .diag = s->lookout.diag};

	status_answer(&s->status, &facts);
}

static int wait_for_something(const struct state *s, struct pollfd fds[static SOURCES])
{
	uint64_t now = clock_now(), next = s->lookout.next, gate = gate_next(&s->gate, now);
	struct timespec left = {0};

	if (gate < next)
		next = gate;
	if (next > now) {
		left.tv_sec = (time_t)((next - now) / NS_PER_S);
		left.tv_nsec = (long)((next - now) % NS_PER_S);
	}
	return ppoll(fds, SOURCES, next == UINT64_MAX ? NULL : &left, NULL);
}

/* The program has ended; its summary is said now, whether or not others go on. */
static void on_end(struct state *s, int listener)
{
	bool goes_on = filter_in_use(listener);

	s->ended = true;
	summarise(s, goes_on);
	if (goes_on) {
		/* What the caller reads from our standard error ends with the program. */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		close_fd(null);
		supervisor_say(s->setup->control, SUPERVISOR_STAYS);
	}
}

static int fd_of(const struct nl *nl)
{
	return nl ? nl_fd(nl) : -1;
}

static void loop(struct state *s, int listener)
{
	struct pollfd fds[SOURCES] = {
		[CONTROL] = {.fd = s->setup->control, .events = POLLIN},
		[LISTENER] = {.fd = listener, .events = POLLIN},
		[LINKS] = {.fd = fd_of(s->upkeep.watch), .events = POLLIN},
		[GONE] = {.fd = fd_of(s->lookout.gone), .events = POLLIN},
		[EVENTS] = {.fd = fd_of(s->lookout.events), .events = POLLIN},
		[STATUS] = {.fd = s->status.fd, .events = POLLIN},
	};

	for (;;) {
		unsigned link;

		prober_poll(&s->prober, &fds[PROBES]);
		fds[LISTENER].events = s->gate.asking ? 0 : POLLIN;
		if (wait_for_something(s, fds) < 0 && errno != EINTR)
			return;
		if (fds[LISTENER].revents & POLLIN)
			serve(s);
		if (fds[LINKS].revents)
			upkeep_on_links(&s->upkeep);
		if (fds[LINKS].revents)
			tell_gate(s);
		if (fds[GONE].revents)
			lookout_on_gone(&s->lookout);
		if (fds[EVENTS].revents)
			lookout_on_events(&s->lookout);
		if (fds[EVENTS].revents)
			upkeep_retry(&s->upkeep);
		if (fds[STATUS].revents)
			answer_status(s);
		while ((link = prober_answer(&s->prober, &fds[PROBES])) != 0) {
			monitor_answered(s->lookout.monitor, link);
			lookout_soon(&s->lookout);
		}
		if (clock_now() >= s->lookout.next)
			look(s);
		look_at_gate(s);
		if (fds[CONTROL].revents) {
			char what;

			if (!s->ended && recv(s->setup->control, &what, 1, MSG_DONTWAIT) == 1)
				on_end(s, listener);
			else if (!s->ended)
				return; /* the foreground was killed */
			fds[CONTROL].fd = -1;
		}
		if ((fds[LISTENER].revents & (POLLHUP | POLLERR)) && s->ended)
			return;
		if (fds[LISTENER].revents & (POLLHUP | POLLERR))
			fds[LISTENER].fd = -1; /* the program ends: the foreground will say so */
		if (s->ended && !filter_in_use(listener))
			return;
	}
}

/* Takes the set-up back; what connections of others live on, when they have ended. If the foreground
 * was killed the program goes on: then the watcher waits for its connections, and answers it. */
static void take_back(struct state *s)
{
	struct journal *journal = s->setup->journal;
	struct netstack *netstack = &s->upkeep.netstack;

	if (!s->ended) {
		bystanders_release(journal, netstack, true);
		return;
	}
	while (bystanders_release(journal, netstack, false) > 0) {
		supervisor_say(s->setup->control, SUPERVISOR_STAYS);
		poll(NULL, 0, 1000);
	}
}

int supervisor_main(const struct supervisor *setup)
{
	struct state s = {.setup = setup};
	_cleanup_close_ int listener = -1;
	struct err err = {0};

	prctl(PR_SET_NAME, "rivulet-super");
	close_fd(setup->watch);
	journal_keep(setup->journal, JOURNAL_SUPERVISOR);
	if (upkeep_open(&s.upkeep, setup->options, setup->journal) < 0 ||
	    lookout_open(&s.lookout) < 0) {
		/* The watcher has the socket as well: its end would not be seen. */
		supervisor_say(setup->control, SUPERVISOR_DONE);
		return RUN_FAILED;
	}
	gate_open(&s.gate, s.upkeep.unprivileged ? NULL : s.upkeep.netstack.route);
	tell_gate(&s);
	supervisor_say(setup->control, SUPERVISOR_READY);
	listener = fds_receive(setup->handoff);
	/* Without a listener the program could not be started: the foreground says why. */
	if (listener >= 0 && substitute_new(listener, &s.substitute, &err) < 0)
		fprintf(stderr, "rivulet: %s\n", err.text);
	status_open(&s.status);
	if (s.substitute)
		loop(&s, listener);
	status_close(&s.status);
	take_back(&s);
	supervisor_say(setup->control, SUPERVISOR_DONE);

	substitute_free(s.substitute);
	prober_close(&s.prober);
	lookout_close(&s.lookout);
	upkeep_close(&s.upkeep);
	return 0;
}
