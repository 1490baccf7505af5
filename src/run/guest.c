/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init of a machine: the first process of a kernel that is there for one program. */
#include "run/guest.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "link/diag.h"
#include "run/guest_names.h"
#include "run/guest_rest.h"
#include "run/guest_setup.h"
#include "run/inside_status.h"
#include "run/net.h"
#include "run/pump.h"
#include "run/run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The kernel does not announce who listens: it is looked for. */
#define LISTENERS_EVERY_MS 100

/* What others inside still write to the terminal when the program has ended. */
#define LAST_WORDS_MS 200

#define LISTENED_MAX PORT_SINGLE_MAX

struct guest {
	struct guest_line line;
	struct guest_ports ports;
	struct port_range range;
	int master; /* of the program's terminal; -1: it has none */
	struct pump typed, shown;
	pid_t program;  /* its foreground; 0: not started */
	uint64_t ended; /* when it did, with @code; 0: not yet */
	int code;
	struct nl *sockets;
	struct guest_names names;
	uid_t user; /* of the program */
	int status; /* where its supervisor's answer is read from; -1: it was not asked */
	int known;  /* where its supervisor is told what is known of links; -1: nowhere */
	char *said; /* that has been read; owned */
	size_t said_size;
	uint16_t listened[LISTENED_MAX]; /* that the host was told of */
	unsigned listened_count;
	unsigned connections, sharers; /* at the last look; that have memory */
};

static void say(const struct guest *g, const char *text)
{
	guest_send(&g->line, GUEST_SAYS, text, strlen(text), NULL, 0);
}

/* Files first: what the program wrote is the host's when the host hears of its end. */
static noreturn void end(struct guest *g, int status)
{
	pump_wait(&g->shown, LAST_WORDS_MS);
	sync();
	guest_send(&g->line, GUEST_ENDED, &status, sizeof(status), NULL, 0);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static noreturn void fail(struct guest *g, const struct err *err)
{
	say(g, err->text);
	end(g, W_EXITCODE(RUN_FAILED, 0));
}

static int open_pipe(uint32_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/host%u", number);
	return open(name, O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* The caller's standard descriptors: pipes to the host's, or the terminal. */
static int take_standard(const struct guest_start *start, int terminal)
{
	for (int i = 0; i < 3; i++) {
		int fd;

		if (start->standard[i] == GUEST_CLOSED)
			continue;
		fd = start->standard[i] == GUEST_NO_PIPE ? dup(terminal)
							 : open_pipe(start->standard[i]);
		if (fd < 0 || dup2(fd, i) < 0)
			return -errno;
		if (fd > 2)
			close_fd(fd);
	}
	/* They had something until here, so that none of the others took their place. */
	for (int i = 0; i < 3; i++)
		if (start->standard[i] == GUEST_CLOSED)
			close_fd(i);
	fds_hold_standard();
	return 0;
}

static int open_terminal(struct guest *g, const struct guest_start *start)
{
	int pipe = open_pipe(start->terminal);

	g->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pipe < 0 || g->master < 0 || unlockpt(g->master) < 0)
		return -errno;
	ioctl(g->master, TIOCSWINSZ, &start->window);
	return pipe;
}

static noreturn void become_program(const struct guest *g, const struct guest_start *start,
				    char **strings, int known)
{
	static struct via_options via; /* too large for the stack, and for nothing to be copied */
	const struct run_options options = {.argv = strings + 2,
					    .explain = start->explain,
					    .json = start->json,
					    .quiet = start->quiet,
					    .as_root = start->uid == 0,
					    .ends_all = true,
					    .policy = &start->policy,
					    .via = start->relayed ? &via : NULL,
					    .report = strings[1][0] ? strings[1] : NULL,
					    .known = known};
	int slave = g->master < 0 ? -1 : ioctl(g->master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	struct err err = {0};
	char *last = strings[2 + start->argc];
	sigset_t none;
	int code;

	if (start->relayed)
		memcpy(&via, start + 1, sizeof(via));
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (slave >= 0)
		ioctl(slave, TIOCSCTTY, 0);
	net_host_passes();
	code = guest_become_caller(start, strings, &err);
	if (take_standard(start, slave) < 0)
		_exit(RUN_FAILED);
	fds_close_but(&known, 1);
	if (code == 0) {
		strings[2 + start->argc] = NULL; /* the end of the arguments */
		code = run_program(&options, &err);
		strings[2 + start->argc] = last;
	} else {
		code = RUN_FAILED;
	}
	if (err.text[0])
		fprintf(stderr, "rivulet: %s\n", err.text);
	fflush(NULL);
	_exit(code);
}

/* The supervisor's folder is found by it (base/folder.h). */
static void keep_runtime_folder(char **environment)
{
	static const char name[] = "XDG_RUNTIME_DIR=";

	for (; *environment; environment++)
		if (strncmp(*environment, name, strlen(name)) == 0)
			setenv("XDG_RUNTIME_DIR", *environment + strlen(name), 1);
}

static void start_program(struct guest *g, const void *data, size_t size)
{
	const struct guest_start *start = data;
	char **strings = guest_strings(data, size);
	struct err err = {0};
	int pipe = -1, known[2];

	if (!strings || g->program) {
		err_set(&err, -EPROTO, "inside: a message that is none");
		fail(g, &err);
	}
	g->range = start->range;
	g->user = start->uid;
	keep_runtime_folder(strings + 2 + start->argc);
	if (guest_set_range(&start->range, &err) < 0)
		fail(g, &err);
	guest_set_congestion(start->congestion);
	guest_names_open(&g->names);
	if (start->terminal != GUEST_NO_PIPE) {
		pipe = open_terminal(g, start);
		if (pipe < 0) {
			err_set(&err, pipe, "inside: cannot make a terminal: %s", strerror(-pipe));
			fail(g, &err);
		}
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, known) < 0) {
		err_set(&err, -errno, "inside: cannot make a socket pair: %s", strerror(errno));
		fail(g, &err);
	}
	g->known = known[0];
	g->program = fork();
	if (g->program == 0)
		become_program(g, start, strings, known[1]);
	close_fd(known[1]);
	free(strings);
	if (g->program < 0) {
		err_set(&err, -errno, "inside: cannot start a process: %s", strerror(errno));
		fail(g, &err);
	}
	/* Threads, after the fork: the child is to be one process with one thread. */
	if (pipe >= 0) {
		pump_start(&g->typed, pipe, dup(g->master));
		pump_start(&g->shown, dup(g->master), dup(pipe));
	}
}

static void take_ports(struct guest *g, const struct guest_ports *now)
{
	struct err err = {0};

	if (now->count > sizeof(now->all) / sizeof(*now->all))
		return;
	if (guest_set_up_ports(&g->ports, now, &err) < 0)
		say(g, err.text);
	g->ports = *now;
}

/* Nothing more can be heard when the host's process has gone: the program ends with it. */
static void hear(struct guest *g)
{
	enum guest_kind kind;
	const void *data;
	size_t size;
	int got;

	while ((got = guest_receive(&g->line, &kind, &data, &size)) > 0) {
		switch (kind) {
		case GUEST_START:
			start_program(g, data, size);
			break;
		case GUEST_PORTS:
			take_ports(g, data);
			break;
		case GUEST_SIGNAL:
			if (g->ended)
				end(g, g->code); /* who sent it does not want to wait */
			if (g->program > 0)
				kill(g->program, *(const int *)data);
			break;
		case GUEST_WINDOW:
			if (g->master >= 0)
				ioctl(g->master, TIOCSWINSZ, data);
			break;
		case GUEST_ASKED:
			if (g->status < 0)
				g->status = guest_status_ask(g->user);
			if (g->status < 0)
				guest_send(&g->line, GUEST_STATUS, NULL, 0, NULL, 0);
			break;
		case GUEST_KNOW:
			send(g->known, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		case GUEST_ANSWER:
			guest_names_answer(&g->names, data, size);
			break;
		default:
			break;
		}
	}
	if (got < 0)
		end(g, 0);
}

static void on_children(struct guest *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != g->program)
			continue;
		if (WIFSTOPPED(status)) {
			guest_send(&g->line, GUEST_STOPPED, NULL, 0, NULL, 0);
			continue;
		}
		g->ended = clock_now();
		g->code = status;
	}
}

static bool was_told(const struct guest *g, uint16_t port)
{
	for (unsigned i = 0; i < g->listened_count; i++)
		if (g->listened[i] == port)
			return true;
	return false;
}

static int look_at_socket(const struct diag_socket *socket, void *data)
{
	struct guest *g = data;
	uint16_t port = socket->local_port;

	g->connections += socket->state == DIAG_ESTABLISHED;
	/* What connects from another port than the kernel's choice was bound to it. */
	if ((socket->state != DIAG_LISTEN && socket->state != DIAG_SYN_SENT) ||
	    address_is_loopback(&socket->local) ||
	    (port >= g->range.first && port <= g->range.last) || was_told(g, port) ||
	    g->listened_count == LISTENED_MAX)
		return 0;
	g->listened[g->listened_count++] = port;
	guest_send(&g->line, GUEST_LISTENS, &port, sizeof(port), NULL, 0);
	return 0;
}

/* Twice as many, or half: their memory is shared anew. */
static void look_at_sockets(struct guest *g)
{
	g->connections = 0;
	if (diag_dump(g->sockets, look_at_socket, g) < 0)
		return;
	if (g->connections > g->sharers || g->connections < g->sharers / 4) {
		g->sharers = g->connections * 2;
		guest_share_memory(g->sharers);
	}
}

static void on_status(struct guest *g)
{
	char text[8192], *grown;
	ssize_t got;

	while ((got = read(g->status, text, sizeof(text))) > 0) {
		grown = realloc(g->said, g->said_size + (size_t)got);
		if (!grown)
			break;
		g->said = grown;
		memcpy(g->said + g->said_size, text, (size_t)got);
		g->said_size += (size_t)got;
	}
	if (got < 0 && errno == EAGAIN)
		return;
	guest_send(&g->line, GUEST_STATUS, g->said, g->said_size, NULL, 0);
	free(g->said);
	g->said = NULL;
	g->said_size = 0;
	g->status = close_fd(g->status);
}

enum { LINE, CHILDREN, STATUS, NAMES, SOURCES = NAMES + GUEST_NAMES_FDS };

static int pause_of(const struct guest *g)
{
	if (g->ended)
		return GUEST_REST_EVERY_MS;
	return g->program > 0 ? LISTENERS_EVERY_MS : -1;
}

static noreturn void serve(struct guest *g, int signals)
{
	struct pollfd fds[SOURCES] = {[LINE] = {.fd = g->line.fd, .events = POLLIN},
				      [CHILDREN] = {.fd = signals, .events = POLLIN},
				      [STATUS] = {.events = POLLIN}};
	struct signalfd_siginfo info;

	for (;;) {
		int ready;

		guest_names_poll(&g->names, &fds[NAMES]);
		fds[STATUS].fd = g->status;
		ready = poll(fds, SOURCES, pause_of(g));
		hear(g);
		if (ready > 0)
			guest_names_ask(&g->names, &fds[NAMES], &g->line);
		if (ready > 0 && fds[STATUS].revents)
			on_status(g);
		if (ready > 0 && fds[CHILDREN].revents && read(signals, &info, sizeof(info)) > 0)
			on_children(g);
		if (g->ended && !guest_rest_left(g->sockets, g->ended, clock_now()))
			end(g, g->code);
		if (g->sockets && g->program > 0 && !g->ended)
			look_at_sockets(g);
	}
}

int guest_main(void)
{
	struct guest g = {.master = -1, .status = -1, .known = -1};
	struct err err = {0};
	sigset_t set;
	int signals;

	if (getpid() != 1) {
		fputs("rivulet: this is for the machines that `rivulet run` starts\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guest_mount(&err) < 0) {
		fprintf(stderr, "rivulet: %s\n", err.text);
		reboot(RB_POWER_OFF);
	}
	g.line.fd = open("/dev/host0", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nl_open(&g.sockets, NETLINK_SOCK_DIAG) < 0)
		g.sockets = NULL;
	/* What needs no word of the host, which looks at its links meanwhile. */
	if (guest_set_up_network(&err) < 0)
		fail(&g, &err);
	serve(&g, signals);
}
