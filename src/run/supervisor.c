/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/supervisor.h"

#include "attach/attachment.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "link/metered.h"
#include "run/carriers.h"
#include "run/elsewhere.h"
#include "run/explain.h"
#include "run/gate.h"
#include "run/lookout.h"
#include "run/net.h"
#include "run/prober.h"
#include "run/status.h"
#include "run/summary.h"
#include "run/view.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* LISTENER is for its end alone. */
enum { CONTROL, LISTENER, ASKS, WORK, MADE, VIA_MADE, NET, GONE, STATUS, METERED, KNOWN, PROBES };
#define SOURCES (PROBES + PROBER_MAX)

#define LEADS_WITHIN (200 * NS_PER_MS)
#define HEAR_EVERY   (5 * NS_PER_MS)

struct state {
	const struct supervisor *setup;
	struct attachment *attachment; /* NULL: there is no program */
	struct via *via;               /* NULL: no relay */
	struct attachment *made;       /* by which @via's agent tells of its sockets */
	int made_fd;                   /* owned */
	struct net net;
	struct view view;
	struct lookout lookout;
	struct carriers carriers;
	struct prober prober;
	struct gate gate;
	struct status status;
	struct metered *metered; /* NULL: nobody knows */
	uint64_t leads_until;    /* new connections are led around a link by then */
	uint64_t heard;          /* when what is announced by the thousand was last read */
	unsigned refused;
	bool ended; /* the program has */
};

void supervisor_say(int control, char what)
{
	if (send(control, &what, 1, MSG_NOSIGNAL) < 0)
		return;
}

/* What rivulet-net has to say. */
static void say(enum net_report_kind kind, const char *text, void *data)
{
	const struct run_options *options = ((const struct state *)data)->setup->options;

	if (kind == NET_EXPLAINS ? options->explain : !options->quiet)
		fprintf(stderr, "rivulet: %s\n", text);
}

/* What the path monitor has decided. */
static void act(unsigned link, enum monitor_action action, void *data)
{
	struct state *s = data;
	const struct prober_target *peer = lookout_peer(&s->lookout, link);

	if (s->setup->options->explain)
		explain_monitor(&s->view.links, link, action, stderr);
	if (action == MONITOR_PROBE && peer)
		prober_ask(&s->prober, link, peer);
	if (action == MONITOR_TAKE_OUT || action == MONITOR_PUT_IN)
		net_silent(&s->net, link, NET_MONITOR, action == MONITOR_TAKE_OUT);
}

static void put_in_anew(unsigned link, void *data)
{
	struct state *s = data;

	if (s->setup->options->explain)
		explain_rejoin(&s->view.links, link, stderr);
	net_renew(&s->net, link);
}

static void act_of_gate(unsigned link, bool silent, void *data)
{
	struct state *s = data;

	if (s->setup->options->explain)
		explain_monitor(&s->view.links, link, silent ? MONITOR_TAKE_OUT : MONITOR_PUT_IN,
				stderr);
	net_silent(&s->net, link, NET_GATE, silent);
	s->leads_until = silent ? clock_now() + LEADS_WITHIN : 0;
}

/* A program that waits at the gate goes on when the way around the dead link is there, not before. */
static bool is_held(const struct state *s, uint64_t now)
{
	return s->gate.asking || (s->gate.dead && now < s->leads_until &&
				  net_use_of(&s->net, s->gate.dead) != MULTIPATH_SILENT);
}

static int ask_for_gate(unsigned link, void *data)
{
	return net_ask(data, link);
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

	net_backlog(&s->net, bytes);
}

static void note(struct state *s, const struct attached *done)
{
	if (done->led_away) {
		ledger_unmade(s->lookout.ledger, done->led_away);
	} else if (done->inode) {
		ledger_made(s->lookout.ledger, done->inode);
		lookout_soon(&s->lookout);
	} else {
		s->refused++;
	}
}

/* Before anything is seen of them: sockets that were made without serve(). */
static void hear_of_made(struct state *s)
{
	struct attached done;

	while (s->attachment && s->attachment->ops->made &&
	       s->attachment->ops->made(s->attachment, &done))
		note(s, &done);
}

static void act_of_carrier(unsigned link, bool lost, void *data)
{
	struct state *s = data;

	if (s->setup->options->explain)
		explain_carrier(&s->view.links, link, lost, stderr);
	net_silent(&s->net, link, NET_CARRIER, lost);
}

static void look_at_carriers(struct state *s)
{
	carriers_look(&s->carriers, s->view.route, &s->view.links, s->view.use, act_of_carrier, s);
}

static void look(struct state *s)
{
	const struct lookout_acts acts = {act, put_in_anew, bound_backlog, s};

	if (s->net.privileged)
		view_tell_rejoin(&s->view, &s->lookout.rejoin);
	if (s->net.privileged && monitor_is_watching(s->lookout.monitor))
		look_at_carriers(s);
	hear_of_made(s);
	lookout_look(&s->lookout, &s->view.links, &acts);
}

static void on_net(struct state *s)
{
	struct net_news news = net_receive(&s->net, say, s);

	if (news.moved)
		lookout_soon(&s->lookout);
	if (news.links) {
		view_refresh(&s->view, &s->net);
		view_tell_gate(&s->view, &s->gate);
		if (s->carriers.count > 0)
			look_at_carriers(s);
	}
	if (s->net.fd < 0) {
		gate_close(&s->gate);
		say(NET_NOTES, "rivulet-net has ended: the links are not looked after any more", s);
	}
}

static void on_metered(struct state *s)
{
	struct policy known;

	if (metered_hear(s->metered, &known))
		net_know(&s->net, &known);
}

/* False: nothing more comes. */
static bool on_known(struct state *s, int from)
{
	struct policy known;
	ssize_t got = recv(from, &known, sizeof(known), MSG_DONTWAIT);

	if (got == sizeof(known))
		net_know(&s->net, &known);
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static void summarise(struct state *s, bool goes_on)
{
	const struct run_options *options = s->setup->options;
	struct summary summary = {.links = &s->view.links, .open = goes_on};

	hear_of_made(s);
	summary.refused = s->refused;
	lookout_settle(&s->lookout, &s->view.links);
	summary.totals = ledger_totals(s->lookout.ledger);
	if (options->report)
		summary_report(&summary, options->report);
	if (options->json)
		summary_print_json(&summary, stderr);
	else if (!options->quiet)
		summary_print(&summary, stderr);
}

static int serve(struct state *s, struct attachment *attachment)
{
	struct attached done;
	int got = attachment->ops->serve(attachment, &done);

	if (got > 0)
		note(s, &done);
	return got;
}

/* Sees to it that nobody who is to wait is answered. */
static void hold(struct state *s, struct pollfd *asks)
{
	bool held = is_held(s, clock_now());

	asks->events = held ? 0 : POLLIN;
	if (s->attachment->ops->stands_open)
		s->attachment->ops->stands_open(s->attachment,
						held ? 0 : gate_stands_open(&s->gate));
}

static void answer_status(struct state *s)
{
	const struct status_facts facts = {.pid = s->setup->foreground,
					   .argv = s->setup->options->argv,
					   .ended = s->ended,
					   .links = &s->view.links,
					   .use = s->view.use,
					   .ledger = s->lookout.ledger,
					   .subflows = &s->lookout.subflows};

	hear_of_made(s);
	status_answer(&s->status, &facts);
}

static int fd_of(const struct nl *nl)
{
	return nl ? nl_fd(nl) : -1;
}

static int wait_for_something(const struct state *s, struct pollfd fds[static SOURCES])
{
	uint64_t now = clock_now(), next = s->lookout.next, gate = gate_next(&s->gate, now);
	/* Short connections are announced by the thousand: a wake-up for each would slow them down. */
	bool deaf = now < s->heard + HEAR_EVERY;
	struct timespec left = {0};

	fds[GONE].fd = deaf ? -1 : fd_of(s->lookout.gone);
	fds[MADE].fd = deaf ? -1 : s->attachment->made;
	if (deaf && s->heard + HEAR_EVERY < next)
		next = s->heard + HEAR_EVERY;
	if (gate < next)
		next = gate;
	if (is_held(s, now) && s->leads_until > now && s->leads_until < next)
		next = s->leads_until;
	if (next > now) {
		left.tv_sec = (time_t)((next - now) / NS_PER_S);
		left.tv_nsec = (long)((next - now) % NS_PER_S);
	}
	return ppoll(fds, SOURCES, next == UINT64_MAX ? NULL : &left, NULL);
}

/* The program has ended; its summary is said now, whether or not others go on. */
static void on_end(struct state *s, int listener)
{
	bool goes_on = attachment_in_use(listener);

	s->ended = true;
	summarise(s, goes_on);
	if (goes_on) {
		/* What the caller reads from our standard error ends with the program. */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		close_fd(null);
		supervisor_say(s->setup->control, SUPERVISOR_STAYS);
		if (s->via)
			via_hush(s->via);
	}
}

static void loop(struct state *s, int listener)
{
	struct pollfd fds[SOURCES] = {
		[CONTROL] = {.fd = s->setup->control, .events = POLLIN},
		[LISTENER] = {.fd = listener},
		[ASKS] = {.fd = s->attachment->asks},
		[WORK] = {.fd = s->attachment->fd, .events = POLLIN},
		[MADE] = {.events = POLLIN},
		[VIA_MADE] = {.events = POLLIN},
		[NET] = {.fd = s->net.fd, .events = POLLIN},
		[GONE] = {.events = POLLIN},
		[STATUS] = {.fd = s->status.fd, .events = POLLIN},
		[METERED] = {.events = POLLIN},
		[KNOWN] = {.fd = s->setup->options->known ? s->setup->options->known : -1,
			   .events = POLLIN},
	};

	for (;;) {
		unsigned link;

		prober_poll(&s->prober, &fds[PROBES]);
		hold(s, &fds[ASKS]);
		fds[VIA_MADE].fd = s->made_fd;
		fds[METERED].fd = metered_fd(s->metered);
		if (wait_for_something(s, fds) < 0 && errno != EINTR)
			return;
		if ((fds[ASKS].revents & POLLIN) && !gate_holds(&s->gate, clock_now()))
			serve(s, s->attachment);
		if (fds[WORK].revents & POLLIN)
			s->attachment->ops->go_on(s->attachment);
		if (fds[VIA_MADE].revents && serve(s, s->made) < 0)
			s->made_fd = close_fd(s->made_fd);
		if (fds[NET].revents)
			on_net(s);
		fds[NET].fd = s->net.fd;
		if (fds[GONE].revents || fds[MADE].revents) {
			s->heard = clock_now();
			hear_of_made(s);
		}
		if (fds[GONE].revents)
			lookout_on_gone(&s->lookout);
		if (fds[STATUS].revents)
			answer_status(s);
		if (fds[METERED].revents)
			on_metered(s);
		if (fds[KNOWN].revents && !on_known(s, fds[KNOWN].fd))
			fds[KNOWN].fd = -1;
		while ((link = prober_answer(&s->prober, &fds[PROBES])) != 0) {
			monitor_answered(s->lookout.monitor, link);
			lookout_soon(&s->lookout);
		}
		if (clock_now() >= s->lookout.next)
			look(s);
		look_at_gate(s);
		if (fds[CONTROL].revents) {
			char what = 0;

			if (!s->ended && recv(s->setup->control, &what, 1, MSG_DONTWAIT) != 1)
				return; /* the foreground was killed */
			if (what == SUPERVISOR_FAILED)
				s->ended = true;
			else if (!s->ended)
				on_end(s, listener);
			fds[CONTROL].fd = -1;
		}
		if ((fds[LISTENER].revents & (POLLHUP | POLLERR)) && s->ended)
			return;
		if (fds[LISTENER].revents & (POLLHUP | POLLERR))
			fds[LISTENER].fd = fds[ASKS].fd =
				-1; /* the program ends: the foreground will say so */
		if (s->ended && !attachment_in_use(listener))
			return;
	}
}

/* If the foreground was killed the program goes on: rivulet-net sees that we end, and leaves to connections what they have
 * nothing else than; the watcher answers the program. */
static void take_back(struct state *s)
{
	if (s->ended && !net_end(&s->net))
		supervisor_say(s->setup->control, SUPERVISOR_STAYS);
	net_close(&s->net);
}

static bool has_choice(const struct net *net)
{
	unsigned used = 0;

	for (unsigned i = 0; i < net->use_count; i++)
		used += net->uses[i].use == MULTIPATH_USED;
	return used > 1;
}

static int open_all(struct state *s, struct err *err)
{
	int code = net_open(&s->net, s->setup->net, s->setup->options->policy, say, s, err);

	if (code < 0)
		return code;
	if (!s->net.privileged && has_choice(&s->net)) {
		struct err advice;

		net_advise(&advice);
		say(NET_NOTES, advice.text, s);
	}
	if (view_open(&s->view) < 0 || lookout_open(&s->lookout) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	view_refresh(&s->view, &s->net);
	gate_open(&s->gate, s->net.privileged ? s->view.route : NULL, ask_for_gate, &s->net);
	view_tell_gate(&s->view, &s->gate);
	return 0;
}

static int open_via(struct state *s, struct err *err)
{
	int ends[2], code;

	if (!s->setup->options->via)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	s->made_fd = ends[0];
	code = via_open(&s->via, s->setup->options->via, ends[1], err);
	close_fd(ends[1]);
	if (code == 0)
		code = attachment_announce.open(&(struct attachment_setup){.listener = s->made_fd},
						&s->made, err);
	return code;
}

static void close_via(struct state *s)
{
	via_close(s->via);
	if (s->made)
		s->made->ops->close(s->made);
	s->made_fd = close_fd(s->made_fd);
}

int supervisor_main(const struct supervisor *setup)
{
	const struct attachment_ops *attachment = run_attachment(setup->options);
	struct state s = {.setup = setup, .made_fd = -1};
	_cleanup_close_ int listener = -1;
	struct err err = {0};
	int code = open_all(&s, &err);

	if (code == -EBUSY)
		elsewhere_tell(setup->control, &err);
	else if (code == 0)
		code = open_via(&s, &err);
	if (code < 0) {
		if (code != -EBUSY)
			fprintf(stderr, "rivulet: %s\n", err.text);
		/* The watcher has the socket as well: its end would not be seen. */
		supervisor_say(setup->control, SUPERVISOR_DONE);
		return RUN_FAILED;
	}
	supervisor_say(setup->control, SUPERVISOR_READY);
	listener = fds_receive(setup->handoff);
	/* Without a listener the program could not be started: the foreground says why. */
	if (listener >= 0 &&
	    attachment->open(
		    &(struct attachment_setup){.listener = listener,
					       .threads = true,
					       .steering = s.via ? via_steering(s.via) : NULL},
		    &s.attachment, &err) < 0)
		fprintf(stderr, "rivulet: %s\n", err.text);
	status_open(&s.status);
	s.metered = s.net.privileged && !setup->options->known ? metered_follow() : NULL;
	if (s.metered)
		on_metered(&s);
	if (s.attachment)
		loop(&s, listener);
	metered_close(s.metered);
	status_close(&s.status);
	close_via(&s);
	take_back(&s);
	supervisor_say(setup->control, SUPERVISOR_DONE);

	if (s.attachment)
		attachment->close(s.attachment);
	prober_close(&s.prober);
	lookout_close(&s.lookout);
	view_close(&s.view);
	return 0;
}
