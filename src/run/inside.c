/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/inside.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/units.h"
#include "link/metered.h"
#include "link/watch.h"
#include "run/end_as.h"
#include "run/guest_names.h"
#include "run/limits.h"
#include "run/user.h"
#include "stack/machine.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum {
	LINE,
	WORDS,
	SIGNALS,
	LINKS,
	NET,
	STATUS,
	METERED,
	NAMES,
	SOURCES = NAMES + GUEST_QUESTIONS_MAX
};

struct loop_state {
	struct inside *inside;
	struct nl *watch; /* NULL: cannot be had */
	struct nl *route;
	int signals;
	struct metered *metered; /* NULL: nobody knows */
	struct inside_names names;
	bool ended; /* the program has, with @status */
	int status;
};

static void say(enum net_report_kind kind, const char *text, void *data)
{
	const struct run_options *options = data;

	if (kind == NET_EXPLAINS ? options->explain : !options->quiet)
		fprintf(stderr, "rivulet: %s\n", text);
}

/* Of a terminal in raw mode a line ends only by both. */
static void restore(struct inside *inside)
{
	if (inside->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &inside->as_it_was);
}

static void make_raw_again(struct inside *inside)
{
	struct termios raw = inside->as_it_was;

	cfmakeraw(&raw);
	if (inside->raw && tcgetpgrp(STDIN_FILENO) == getpgrp())
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void keep_words(struct inside *inside, const char *text, size_t size)
{
	if (size > INSIDE_WORDS_MAX)
		return;
	if (inside->said_size + size > INSIDE_WORDS_MAX) {
		size_t over = inside->said_size + size - INSIDE_WORDS_MAX;

		memmove(inside->said, inside->said + over, inside->said_size - over);
		inside->said_size -= over;
	}
	memcpy(inside->said + inside->said_size, text, size);
	inside->said_size += size;
	inside->said[inside->said_size] = '\0';
}

static void on_words(struct inside *inside)
{
	char text[INSIDE_WORDS_MAX / 2];
	ssize_t size;

	while ((size = read(inside->words, text, sizeof(text))) > 0) {
		keep_words(inside, text, (size_t)size);
		if (inside->options->verbose)
			fwrite(text, 1, (size_t)size, stderr);
	}
	if (size == 0)
		inside->words = close_fd(inside->words);
}

static void on_listener(struct inside *inside, uint16_t port)
{
	if (port)
		net_listen(&inside->net, port);
}

/* Whatever is inside may try to mislead us: it can do no more than the messages mean. */
static bool on_line(struct loop_state *s)
{
	struct inside *inside = s->inside;
	enum guest_kind kind;
	const void *data;
	size_t size;
	int got;

	while ((got = guest_receive(&inside->line, &kind, &data, &size)) > 0) {
		switch (kind) {
		case GUEST_ENDED:
			memcpy(&s->status, data, sizeof(s->status));
			s->ended = true;
			/* All is written: that it ends in good order would only take time. */
			kill(inside->kernel, SIGKILL);
			break;
		case GUEST_STOPPED:
			restore(inside);
			raise(SIGSTOP);
			break;
		case GUEST_LISTENS:
			on_listener(inside, *(const uint16_t *)data);
			break;
		case GUEST_QUESTION:
			inside_names_ask(&s->names, data, size);
			break;
		case GUEST_STATUS:
			inside_status_answer(&inside->status, data, size);
			break;
		case GUEST_SAYS:
			fprintf(stderr, "rivulet: %.*s\n", (int)size, (const char *)data);
			break;
		default:
			break;
		}
	}
	return got >= 0;
}

static void on_signals(struct loop_state *s)
{
	struct inside *inside = s->inside;
	struct signalfd_siginfo info;
	struct winsize window;
	int number;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		number = (int)info.ssi_signo;
		switch (number) {
		case SIGCHLD:
		case SIGPIPE:
		case SIGTTIN:
		case SIGTTOU:
			break;
		case SIGWINCH:
			if (inside->terminal >= 0 &&
			    ioctl(inside->terminal, TIOCGWINSZ, &window) == 0)
				guest_send(&inside->line, GUEST_WINDOW, &window, sizeof(window),
					   NULL, 0);
			break;
		case SIGCONT:
			make_raw_again(inside);
			/* fall through */
		default:
			guest_send(&inside->line, GUEST_SIGNAL, &number, sizeof(number), NULL, 0);
			break;
		}
	}
}

/* Tells the init inside of the ports as the host's links are now, if that is news or @more have come. */
static void tell_ports(struct loop_state *s, bool more)
{
	struct inside *inside = s->inside;
	struct guest_ports now = inside->told;
	bool changed = more;
	struct links links;

	if (s->route && links_read(s->route, &links) == 0) {
		changed |= ports_refresh(&links, now.all, now.count);
		links_free(&links);
	}
	if (!changed)
		return;
	inside->told = now;
	guest_send(&inside->line, GUEST_PORTS, &now, sizeof(now), NULL, 0);
}

/* Links have come. What a port came with may be old: the link has changed since, and on_links() did not know it yet. */
static void on_net(struct loop_state *s)
{
	struct inside *inside = s->inside;

	if (net_receive(&inside->net, say, (void *)inside->options).ports)
		tell_ports(s, inside_hand_ports(inside));
}

static void on_links(struct loop_state *s)
{
	if (watch_changed(s->watch))
		tell_ports(s, false);
}

static void on_metered(struct loop_state *s)
{
	struct policy known;

	if (metered_hear(s->metered, &known))
		guest_send(&s->inside->line, GUEST_KNOW, &known, sizeof(known), NULL, 0);
}

static void loop(struct loop_state *s)
{
	struct inside *inside = s->inside;
	struct pollfd fds[SOURCES] = {
		[LINE] = {.fd = inside->line.fd, .events = POLLIN},
		[WORDS] = {.events = POLLIN},
		[SIGNALS] = {.fd = s->signals, .events = POLLIN},
		[LINKS] = {.fd = s->watch ? nl_fd(s->watch) : -1, .events = POLLIN},
		[NET] = {.events = POLLIN},
		[STATUS] = {.fd = inside->status.status.fd, .events = POLLIN},
		[METERED] = {.events = POLLIN},
	};

	/* The kernel has ended when nobody can write its words any more. */
	while (inside->words >= 0) {
		fds[WORDS].fd = inside->words;
		fds[NET].fd = inside->net.fd;
		fds[METERED].fd = metered_fd(s->metered);
		inside_names_poll(&s->names, &fds[NAMES]);
		if (poll(fds, SOURCES, -1) < 0 && errno != EINTR)
			return;
		inside_names_answer(&s->names, &fds[NAMES], &inside->line);
		if (fds[LINE].revents && !on_line(s))
			fds[LINE].fd = -1;
		if (fds[WORDS].revents)
			on_words(inside);
		if (fds[SIGNALS].revents)
			on_signals(s);
		if (fds[LINKS].revents)
			on_links(s);
		if (fds[STATUS].revents)
			inside_status_ask(&inside->status, &inside->line);
		if (fds[METERED].revents)
			on_metered(s);
		if (fds[NET].revents)
			on_net(s);
	}
}

/* The kernel's own words for what has happened: the line of @said that has @mark, without the time before it. */
static const char *find_words(char *said, const char *mark)
{
	char *at = strstr(said, mark);

	if (!at)
		return NULL;
	at[strcspn(at, "\r\n")] = '\0';
	return at;
}

static int explain_end(struct loop_state *s, struct err *err)
{
	struct inside *inside = s->inside;
	const struct stack_machine *machine = run_stack(inside->options)->machine;
	uint64_t memory = inside->options->memory ? inside->options->memory : machine->memory;
	const char *words;

	/* The kernel says so before it kills, and goes on. */
	words = find_words(inside->said, "Out of memory: ");
	if (words && !inside->options->quiet)
		fprintf(stderr,
			"rivulet: %lluMiB inside was not enough (--memory gives more): %s\n",
			(unsigned long long)(memory >> 20), words);
	if (s->ended)
		return 0;
	words = find_words(inside->said, "Kernel panic");
	if (!words)
		words = find_words(inside->said, "rivulet: ");
	if (!words)
		words = inside->said_size > 0 ? find_words(inside->said, "") : "it said nothing";
	err_set(err, -EIO, "the kernel inside has crashed, and the program with it: %s%s", words,
		inside->options->verbose ? "" : " (--verbose shows all that it said)");
	return RUN_FAILED;
}

/* Is output of the program's missing? Inside, what was written into a pipe of the machine's is written. */
static bool explain_lost(const struct inside *inside)
{
	static const char *const names[] = {"standard output", "standard error"};
	bool lost = false;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (inside->output[i].error == 0)
			continue;
		lost = true;
		fprintf(stderr, "rivulet: the program's %s is not complete: %s\n", names[i],
			strerror(-inside->output[i].error));
	}
	return lost;
}

static void finish(struct loop_state *s)
{
	struct inside *inside = s->inside;

	if (inside->kernel > 0)
		waitpid(inside->kernel, NULL, 0);
	for (unsigned i = 0; i < 2; i++)
		pump_wait(&inside->output[i], -1);
	pump_wait(&inside->shown, -1);
	restore(inside);
	inside_status_close(&inside->status);
	inside_folder_remove(inside);
	guest_line_close(&inside->line);
	metered_close(s->metered);
	close_fd(inside->hatch);
	net_ports_close(&inside->ports);
	net_end(&inside->net);
	net_close(&inside->net);
	nl_closep(&s->watch);
	nl_closep(&s->route);
}

static int run(struct inside *inside, struct err *err)
{
	struct loop_state s = {.inside = inside};
	sigset_t all;
	int code;

	sigfillset(&all);
	s.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch_open(&s.watch) < 0)
		s.watch = NULL;
	if (nl_open(&s.route, NETLINK_ROUTE) < 0) {
		nl_close(s.watch);
		s.watch = s.route = NULL;
	}
	inside_status_open(&inside->status);
	code = inside_start(inside, say, err);
	if (code == 0) {
		fcntl(inside->line.fd, F_SETFL, O_NONBLOCK);
		s.metered = metered_follow();
		if (s.metered)
			on_metered(&s);
		loop(&s);
	}
	finish(&s);
	inside_names_close(&s.names);
	close_fd(s.signals);
	if (code == 0)
		code = explain_end(&s, err);
	if (code == 0 && explain_lost(inside) && s.status == 0)
		code = RUN_FAILED;
	return code != 0 ? code : end_as(s.status);
}

int inside_run(const struct run_options *options, struct err *err)
{
	const struct stack_machine *machine = run_stack(options)->machine;
	struct inside inside = {.options = options,
				.words = -1,
				.hatch = -1,
				.lock = -1,
				.line.fd = -1,
				.terminal = -1};
	char least[UNITS_TEXT_MAX];
	sigset_t all;

	if (options->memory && options->memory < machine->memory_min) {
		err_set(err, -EINVAL, "stack %s needs %s of memory at least",
			run_stack(options)->name, units_bytes_text(machine->memory_min, least));
		return RUN_FAILED;
	}
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		getrlimit(i, &inside.limits[i]);
	limits_lift_time();
	if (fds_need(INSIDE_FDS, err) < 0)
		return RUN_FAILED;
	inside.net.fd = net_start(err);
	if (inside.net.fd < 0)
		return RUN_FAILED;
	if (!options->as_root && user_leave_sudo(err) < 0)
		return RUN_FAILED;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return run(&inside, err);
}
