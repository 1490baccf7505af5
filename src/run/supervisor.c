/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/supervisor.h"

#include "attach/attachment.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "base/processes.h"
#include "link/metered.h"
#include "run/elsewhere.h"
#include "run/handover.h"
#include "run/net.h"
#include "run/status.h"
#include "run/summary.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* LISTENER is for its end alone. */
enum { CONTROL, LISTENER, ASKS, WORK, MADE, VIA_MADE, NET, GONE, STATUS, METERED, KNOWN, PROBES };
#define SOURCES (PROBES + PROBER_MAX)

#define HEAR_EVERY (5 * NS_PER_MS)

struct state {
	const struct supervisor *setup;
	struct attachment *attachment; /* NULL: there is no program */
	struct via *via;               /* NULL: no relay */
	struct attachment *made;       /* by which @via's agent tells of its sockets */
	int made_fd;                   /* owned */
	struct net net;
	struct view view;
	struct handover handover;
	struct status status;
	struct metered *metered; /* NULL: nobody knows */
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

static void note(struct state *s, const struct attached *done)
{
	if (done->led_away) {
		ledger_unmade(s->handover.lookout.ledger, done->led_away);
	} else if (done->inode) {
		ledger_made(s->handover.lookout.ledger, done->inode);
		lookout_soon(&s->handover.lookout);
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

static void on_net(struct state *s)
{
	struct net_news news = net_receive(&s->net, say, s);

	if (news.moved)
		lookout_soon(&s->handover.lookout);
	if (news.links) {
		view_refresh(&s->view, &s->net);
		handover_on_links(&s->handover);
	}
	if (s->net.fd < 0) {
		handover_on_net_end(&s->handover);
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
	lookout_settle(&s->handover.lookout, &s->view.links);
	summary.totals = ledger_totals(s->handover.lookout.ledger);
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
	bool held = handover_is_held(&s->handover, clock_now());

	asks->events = held ? 0 : POLLIN;
	if (s->attachment->ops->stands_open)
		s->attachment->ops->stands_open(s->attachment,
						held ? 0 : gate_stands_open(&s->handover.gate));
}

static void answer_status(struct state *s)
{
	const struct status_facts facts = {.pid = s->setup->foreground,
					   .argv = s->setup->options->argv,
					   .ended = s->ended,
					   .links = &s->view.links,
					   .use = s->view.use,
					   .ledger = s->handover.lookout.ledger,
					   .subflows = &s->handover.lookout.subflows};

	hear_of_made(s);
	status_answer(&s->status, &facts);
}

static int fd_of(const struct nl *nl)
{
	return nl ? nl_fd(nl) : -1;
}

static int wait_for_something(const struct state *s, struct pollfd fds[static SOURCES])
{
	uint64_t now = clock_now(), next = handover_next(&s->handover, now);
	/* Short connections are announced by the thousand: a wake-up for each would slow them down. */
	bool deaf = now < s->heard + HEAR_EVERY;
	struct timespec left = {0};

	fds[GONE].fd = deaf ? -1 : fd_of(s->handover.lookout.gone);
	fds[MADE].fd = deaf ? -1 : s->attachment->made;
	if (deaf && s->heard + HEAR_EVERY < next)
		next = s->heard + HEAR_EVERY;
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
	summarise(s, goes_on && !s->setup->options->ends_all);
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
		handover_poll(&s->handover, &fds[PROBES]);
		hold(s, &fds[ASKS]);
		fds[VIA_MADE].fd = s->made_fd;
		fds[METERED].fd = metered_fd(s->metered);
		if (wait_for_something(s, fds) < 0 && errno != EINTR)
			return;
		if ((fds[ASKS].revents & POLLIN) && !gate_holds(&s->handover.gate, clock_now()))
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
			lookout_on_gone(&s->handover.lookout);
		if (fds[STATUS].revents)
			answer_status(s);
		if (fds[METERED].revents)
			on_metered(s);
		if (fds[KNOWN].revents && !on_known(s, fds[KNOWN].fd))
			fds[KNOWN].fd = -1;
		handover_on_probes(&s->handover, &fds[PROBES]);
		if (clock_now() >= s->handover.lookout.next)
			hear_of_made(s); /* before anything is seen of them */
		handover_look(&s->handover);
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

static void note_processes(struct state *s)
{
	struct err words;

	if (s->setup->options->service || processes_are_ours())
		return;
	err_set(&words, 0, "%s: sockets stay plain TCP", processes_advice);
	say(NET_NOTES, words.text, s);
}

static int open_all(struct state *s, struct err *err)
{
	int code = fds_need(SUPERVISOR_FDS, err);

	note_processes(s);
	if (code == 0)
		code = net_open(&s->net, s->setup->net, s->setup->options->policy, say, s, err);
	if (code < 0)
		return code;
	if (!s->net.privileged && has_choice(&s->net)) {
		struct err advice;

		net_advise(&advice);
		say(NET_NOTES, advice.text, s);
	}
	if (view_open(&s->view) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	view_refresh(&s->view, &s->net);
	if (handover_open(&s->handover, &s->net, &s->view, s->setup->options->explain) < 0)
		return err_set(err, -ENOMEM, "out of memory");
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
	handover_close(&s.handover);
	view_close(&s.view);
	return 0;
}
