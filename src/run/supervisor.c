/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/supervisor.h"

#include "attach/filter.h"
#include "attach/substitute.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "link/diag.h"
#include "link/watch.h"
#include "run/explain.h"
#include "run/ledger.h"
#include "run/summary.h"
#include "stack/native.h"

#include <fcntl.h>
#include <linux/mptcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/*
 * Looks at all sockets: soon after something happened; then often while bytes move (the kernel
 * forgets the counts of a joined subflow when it closes it, so what moved since the last look is
 * lost), ever more seldom while none do; and never for more than a fiftieth of the time.
 */
#define LOOK_SOON   (5 * NS_PER_MS)
#define LOOK_BUSY   (50 * NS_PER_MS)
#define LOOK_SELDOM (4 * NS_PER_S)
#define LOOK_SHARE  50
#define SETTLE      (100 * NS_PER_MS) /* at the end, for the last counts */

enum { CONTROL, LISTENER, LINKS, GONE, EVENTS, SOURCES };

struct state {
	const struct supervisor *setup;
	struct netstack netstack;
	struct native_plan plan;
	struct substitute *substitute;
	struct ledger *ledger;
	struct nl *diag;   /* to look */
	struct nl *watch;  /* links; NULL where it cannot be had */
	struct nl *gone;   /* sockets that were freed */
	struct nl *events; /* of the path manager; NULL without CAP_NET_ADMIN */
	uint64_t next_look, earliest_look, interval;
	unsigned refused;
	int refusal; /* the last reason */
	bool unprivileged;
	bool ended; /* the program has */
};

void supervisor_say(int control, char what)
{
	if (send(control, &what, 1, MSG_NOSIGNAL) < 0)
		return;
}

static int observe(const struct diag_socket *socket, void *data)
{
	return ledger_saw(data, socket);
}

static int forget(const struct diag_socket *socket, void *data)
{
	ledger_gone(data, socket);
	return 0;
}

static void look(struct state *s)
{
	uint64_t start = clock_now(), cost;
	bool moved = true;

	if (!s->diag)
		return;
	ledger_look(s->ledger);
	if (diag_dump(s->diag, observe, s->ledger) == 0)
		moved = ledger_looked(s->ledger);
	cost = clock_now() - start;
	s->earliest_look = start + cost * LOOK_SHARE;
	s->interval = moved ? LOOK_BUSY : s->interval * 2;
	if (s->interval > LOOK_SELDOM)
		s->interval = LOOK_SELDOM;
	s->next_look = UINT64_MAX;
	if (ledger_totals(s->ledger).open)
		s->next_look = start + s->interval > s->earliest_look ? start + s->interval
								      : s->earliest_look;
}

static void look_soon(struct state *s)
{
	uint64_t at = clock_now() + LOOK_SOON;

	if (at < s->earliest_look)
		at = s->earliest_look;
	if (at < s->next_look)
		s->next_look = at;
}

static int count_event(const struct nlmsghdr *msg, void *data)
{
	return 0;
}

/* Follows connections. All of it is for the summary only: without it the program runs as well. */
static void open_eyes(struct state *s)
{
	uint16_t family;
	uint32_t group;

	if (nl_open(&s->diag, NETLINK_SOCK_DIAG) < 0)
		s->diag = NULL;
	if (diag_watch(&s->gone) < 0)
		s->gone = NULL;
	if (nl_open(&s->events, NETLINK_GENERIC) < 0) {
		s->events = NULL;
		return;
	}
	if (nl_family(s->events, MPTCP_PM_NAME, MPTCP_PM_EV_GRP_NAME, &family, &group) < 0 ||
	    nl_join(s->events, group) < 0) {
		nl_close(s->events);
		s->events = NULL;
	}
}

static void on_change(const struct change *change, int result, void *data)
{
	struct state *s = data;
	const struct run_options *options = s->setup->options;

	if (result == -EPERM || result == -EACCES)
		s->unprivileged = true;
	else if (options->explain || (result < 0 && !options->quiet))
		explain_change(change, result, stderr);
}

/* Makes the host's set-up fit the links as they are now. */
static int follow_links(struct state *s)
{
	struct journal *journal = s->setup->journal;
	struct native_plan plan;
	struct err err;
	int code = native_plan(&s->netstack, journal->changes, atomic_load(&journal->count), &plan,
			       &err);

	if (code < 0) {
		fprintf(stderr, "rivulet: %s\n", err.text);
		return code;
	}
	native_plan_free(&s->plan);
	s->plan = plan;
	if (!s->unprivileged)
		journal_follow(journal, &s->netstack, plan.multipath.changes, plan.multipath.count,
			       on_change, s);
	return 0;
}

static int configure(struct state *s)
{
	const struct run_options *options = s->setup->options;
	int code = netstack_open_host(&s->netstack);

	if (code < 0) {
		fprintf(stderr, "rivulet: cannot reach the kernel's network configuration: %s\n",
			strerror(-code));
		return code;
	}
	/* Watch first, so that nothing changes unseen between. */
	if (watch_open(&s->watch) < 0)
		s->watch = NULL;
	code = follow_links(s);
	if (code < 0)
		return code;
	if (options->explain)
		explain_plan(&s->plan, stderr);
	if (s->unprivileged && !options->quiet)
		fprintf(stderr,
			"rivulet: no right to set up the links (CAP_NET_ADMIN): sockets are MPTCP, "
			"but only links that are set up already carry subflows\n");
	return 0;
}

/* The kernel announces the end of a socket a moment after it. */
static void settle(struct state *s)
{
	struct pollfd gone = {.fd = s->gone ? nl_fd(s->gone) : -1, .events = POLLIN};
	uint64_t until = clock_now() + SETTLE;

	look(s);
	while (s->gone && ledger_closing(s->ledger) > 0 && clock_now() < until) {
		if (poll(&gone, 1, 10) > 0 && diag_destroyed(s->gone, forget, s->ledger) < 0)
			return;
	}
}

static void summarise(struct state *s, bool goes_on)
{
	const struct run_options *options = s->setup->options;
	struct summary summary = {.links = &s->plan.links, .refused = s->refused, .open = goes_on};

	settle(s);
	summary.totals = ledger_totals(s->ledger);
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

	if (substitute_serve(s->substitute, &done) <= 0)
		return;
	if (done.inode) {
		ledger_made(s->ledger, done.inode);
		look_soon(s);
	} else {
		s->refused++;
		s->refusal = done.error;
	}
}

static int wait_for_something(const struct state *s, struct pollfd fds[static SOURCES])
{
	uint64_t now = clock_now();
	struct timespec left = {0};

	if (s->next_look > now) {
		left.tv_sec = (time_t)((s->next_look - now) / NS_PER_S);
		left.tv_nsec = (long)((s->next_look - now) % NS_PER_S);
	}
	return ppoll(fds, SOURCES, s->next_look == UINT64_MAX ? NULL : &left, NULL);
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

static void loop(struct state *s, int listener)
{
	struct pollfd fds[SOURCES] = {
		[CONTROL] = {.fd = s->setup->control, .events = POLLIN},
		[LISTENER] = {.fd = listener, .events = POLLIN},
		[LINKS] = {.fd = s->watch ? nl_fd(s->watch) : -1, .events = POLLIN},
		[GONE] = {.fd = s->gone ? nl_fd(s->gone) : -1, .events = POLLIN},
		[EVENTS] = {.fd = s->events ? nl_fd(s->events) : -1, .events = POLLIN},
	};

	for (;;) {
		if (wait_for_something(s, fds) < 0 && errno != EINTR)
			return;
		if (fds[LISTENER].revents & POLLIN)
			serve(s);
		if (fds[LINKS].revents && watch_changed(s->watch))
			follow_links(s);
		if (fds[GONE].revents && diag_destroyed(s->gone, forget, s->ledger) < 0)
			look_soon(s);
		if (fds[EVENTS].revents) {
			nl_receive(s->events, count_event, NULL);
			look_soon(s);
		}
		if (clock_now() >= s->next_look)
			look(s);
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

int supervisor_main(const struct supervisor *setup)
{
	struct state s = {.setup = setup, .next_look = UINT64_MAX, .interval = LOOK_BUSY};
	_cleanup_close_ int listener = -1;
	struct err err = {0};

	prctl(PR_SET_NAME, "rivulet-super");
	close_fd(setup->watch);
	s.ledger = ledger_new();
	if (!s.ledger || configure(&s) < 0)
		return RUN_FAILED;
	open_eyes(&s);
	supervisor_say(setup->control, SUPERVISOR_READY);
	listener = fds_receive(setup->handoff);
	/* Without a listener the program could not be started: the foreground says why. */
	if (listener >= 0 && substitute_new(listener, &s.substitute, &err) < 0)
		fprintf(stderr, "rivulet: %s\n", err.text);
	if (s.substitute)
		loop(&s, listener);
	journal_undo(setup->journal, &s.netstack);
	supervisor_say(setup->control, SUPERVISOR_DONE);

	substitute_free(s.substitute);
	ledger_free(s.ledger);
	nl_close(s.watch);
	nl_close(s.diag);
	nl_close(s.gone);
	nl_close(s.events);
	native_plan_free(&s.plan);
	netstack_close(&s.netstack);
	return 0;
}
