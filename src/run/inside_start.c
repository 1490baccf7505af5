/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/installed.h"
#include "base/signals.h"
#include "run/inside.h"
#include "run/user.h"
#include "stack/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { OURS, THEIRS };

/* The machine's ends of its pipes, by their numbers inside. */
struct ends {
	int all[MACHINE_PIPES_MAX]; /* owned until the machine has them */
	unsigned count;
};

static int add_end(struct ends *ends, int fd)
{
	ends->all[ends->count] = fd;
	return (int)ends->count++;
}

static int pair(int ends[static 2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
		return 0;
	return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
}

/* A pipe between standard descriptor @i and the machine; what moves its bytes is @pump. */
static int connect_standard(struct ends *ends, int i, struct pump *pump, struct err *err)
{
	int pipe[2], own = fcntl(i, F_DUPFD_CLOEXEC, 3), code;

	if (own < 0 || pipe2(pipe, O_CLOEXEC) < 0) {
		close_fd(own);
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	}
	code = i == 0 ? pump_start(pump, own, pipe[1]) : pump_start(pump, pipe[0], own);
	if (code < 0)
		return err_set(err, code, "cannot start a thread: %s", strerror(-code));
	return add_end(ends, i == 0 ? pipe[0] : pipe[1]);
}

/* Only who has the terminal may change it. */
static void make_raw(struct inside *inside)
{
	struct termios raw;

	if (inside->terminal != STDIN_FILENO || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &inside->as_it_was) < 0)
		return;
	raw = inside->as_it_was;
	cfmakeraw(&raw);
	inside->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static int connect_terminal(struct inside *inside, struct ends *ends, struct err *err)
{
	int both[2], code = pair(both, err);

	if (code < 0)
		return code;
	if (inside->terminal == STDIN_FILENO)
		code = pump_start(&inside->typed, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
				  fcntl(both[OURS], F_DUPFD_CLOEXEC, 3));
	if (code == 0)
		code = pump_start(&inside->shown, both[OURS],
				  fcntl(inside->terminal, F_DUPFD_CLOEXEC, 3));
	if (code < 0)
		return err_set(err, code, "cannot start a thread: %s", strerror(-code));
	make_raw(inside);
	return add_end(ends, both[THEIRS]);
}

/* Did the caller close it? Then the program is not to have it either (fds_hold_standard()). */
static bool is_held(int standard)
{
	return fcntl(standard, F_GETFD) & FD_CLOEXEC;
}

static int connect_all(struct inside *inside, struct ends *ends, struct guest_start *start,
		       struct err *err)
{
	struct pump *pumps[] = {&inside->input, &inside->output[0], &inside->output[1]};
	int control[2], code = pair(control, err);

	if (code < 0)
		return code;
	inside->line.fd = control[OURS];
	add_end(ends, control[THEIRS]);
	inside->terminal = -1;
	start->terminal = GUEST_NO_PIPE;
	for (int i = 0; i < 3 && code >= 0; i++) {
		start->standard[i] = is_held(i) ? GUEST_CLOSED : GUEST_NO_PIPE;
		if (is_held(i))
			continue;
		if (isatty(i)) {
			if (inside->terminal < 0)
				inside->terminal = i;
			continue;
		}
		code = connect_standard(ends, i, pumps[i], err);
		start->standard[i] = (uint32_t)code;
	}
	if (inside->terminal < 0 || code < 0)
		return code;
	ioctl(inside->terminal, TIOCGWINSZ, &start->window);
	code = connect_terminal(inside, ends, err);
	start->terminal = (uint32_t)code;
	return code;
}

static uint64_t read_ignored(void)
{
	uint64_t ignored = 0;

	for (int i = 1; i < NSIG; i++)
		if (signal_is_ignored(i))
			ignored |= (uint64_t)1 << (i - 1);
	return ignored;
}

/* Who the caller is, and where. */
static int describe_caller(const struct inside *inside, struct guest_start *start, struct err *err)
{
	const struct run_options *options = inside->options;
	int groups = getgroups(GUEST_GROUPS_MAX, start->groups);
	mode_t mask = umask(0);

	umask(mask);
	if (groups < 0)
		return err_set(err, -errno, "cannot read the user's groups: %s", strerror(errno));
	start->uid = getuid();
	start->gid = getgid();
	start->umask = mask;
	start->group_count = (uint32_t)groups;
	memcpy(start->limits, inside->limits, sizeof(start->limits));
	start->ignored = read_ignored();
	start->explain = options->explain;
	start->json = options->json;
	start->quiet = options->quiet;
	if (options->policy)
		start->policy = *options->policy;
	start->relayed = options->via != NULL;
	gethostname(start->host, sizeof(start->host) - 1);
	congestion_read(start->congestion);
	return 0;
}

static void put_string(FILE *to, const char *text)
{
	fwrite(text, 1, strlen(text) + 1, to);
}

static int send_start(struct inside *inside, struct guest_start *start, struct err *err)
{
	const struct run_options *options = inside->options;
	_cleanup_free_ char *strings = NULL;
	_cleanup_free_ char *folder = getcwd(NULL, 0);
	int gone = folder ? ENOMEM : errno;
	size_t size = 0;
	FILE *to = open_memstream(&strings, &size);
	int code;

	if (!to || (!folder && gone != ENOENT)) {
		if (to)
			fclose(to);
		return err_set(err, -gone, "cannot tell the working directory: %s", strerror(gone));
	}
	if (options->via)
		fwrite(options->via, sizeof(*options->via), 1, to);
	put_string(to, folder ? folder : "");
	put_string(to, options->report ? options->report : "");
	for (char *const *arg = options->argv; *arg; arg++, start->argc++)
		put_string(to, *arg);
	for (char **variable = environ; *variable; variable++, start->envc++)
		put_string(to, *variable);
	if (fclose(to) != 0)
		return err_set(err, -ENOMEM, "out of memory");
	code = guest_send(&inside->line, GUEST_PORTS, &inside->told, sizeof(inside->told), NULL, 0);
	if (code == 0)
		code = guest_send(&inside->line, GUEST_START, start, sizeof(*start), strings, size);
	return 0; /* a machine that does not listen has ended: that is seen */
}

static void find_init(const struct inside *inside, char path[static PATH_MAX])
{
	ssize_t size;

	if (!inside->options->via && installed_find(GUEST_INIT, path) == 0)
		return;
	size = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[size > 0 ? size : 0] = '\0';
}

static noreturn void become(struct inside *inside, const struct ends *ends, int ports, int words)
{
	const struct stack_machine *machine = run_stack(inside->options)->machine;
	struct machine_setup setup = {.memory = inside->options->memory ? inside->options->memory
									: machine->memory,
				      .folder = inside->own_folder,
				      .argument = GUEST_COMMAND,
				      .ports = ports,
				      .pipe_count = ends->count,
				      .verbose = inside->options->verbose};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char init[PATH_MAX];
	struct err err = {0};
	sigset_t mask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	find_init(inside, init);
	setup.init = init;
	fcntl(ports, F_SETFD, 0);
	for (unsigned i = 0; i < ends->count; i++) {
		setup.pipes[i] = ends->all[i];
		fcntl(ends->all[i], F_SETFD, 0);
	}
	dup2(null, STDIN_FILENO);
	dup2(words, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	/* The kernel would end, and not its program, when all processes of a service are to. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	machine->become(&setup, &err);
	fprintf(stderr, "rivulet: %s\n", err.text);
	_exit(RUN_FAILED);
}

/* Who reads from the other end of one sees it end. */
static void close_ends(struct ends *ends)
{
	while (ends->count > 0)
		close_fd(ends->all[--ends->count]);
}

static int start_kernel(struct inside *inside, struct ends *ends, struct err *err)
{
	int words[2], ports[2];

	if (pipe2(words, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ports) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	inside->hatch = ports[OURS];
	inside->words = words[0];
	fcntl(words[0], F_SETFL, O_NONBLOCK);
	fflush(NULL);
	inside->kernel = fork();
	if (inside->kernel == 0)
		become(inside, ends, ports[THEIRS], words[1]);
	close_fd(ports[THEIRS]);
	close_fd(words[1]);
	close_ends(ends);
	return inside->kernel < 0
		       ? err_set(err, -errno, "cannot start a process: %s", strerror(errno))
		       : 0;
}

/* A standard descriptor that the caller has closed would be one of ours. */
static void fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

/* It, and what it has started itself by now. */
static void end_kernel(const struct inside *inside)
{
	kill(inside->kernel, SIGKILL);
	kill(-inside->kernel, SIGKILL);
}

bool inside_hand_ports(struct inside *inside)
{
	struct guest_ports *told = &inside->told;
	bool any = false;

	for (unsigned i = 0; i < inside->ports.count; i++) {
		const struct port *port = &inside->ports.all[i];
		uint8_t message[ETH_ALEN + 1];

		if (i < told->count && told->all[i].serial == port->serial)
			continue;
		memcpy(message, port->mac, ETH_ALEN);
		message[ETH_ALEN] = (uint8_t)i;
		if (fds_send_with(inside->hatch, inside->ports.fds[i], message, sizeof(message)) <
		    0)
			break;
		told->all[i] = *port;
		if (i == told->count)
			told->count++;
		any = true;
	}
	return any;
}

static int open_ports(struct inside *inside, net_say words, struct err *err)
{
	const struct run_options *options = inside->options;
	const struct net_ports_wish wish = {.policy = options->policy, .way = options->ports};
	int code = net_ports_open(&inside->net, inside->net.fd, &wish, words, (void *)options,
				  &inside->ports, err);

	if (code == 0)
		inside_hand_ports(inside);
	return code;
}

int inside_start(struct inside *inside, net_say words, struct err *err)
{
	struct guest_start start = {0};
	struct ends ends = {.count = 0};

	fill_standard();
	if (describe_caller(inside, &start, err) < 0 || inside_folder_make(inside, err) < 0 ||
	    connect_all(inside, &ends, &start, err) < 0 || start_kernel(inside, &ends, err) < 0) {
		close_ends(&ends);
		return RUN_FAILED;
	}
	if (open_ports(inside, words, err) < 0) {
		end_kernel(inside);
		return RUN_FAILED;
	}
	start.range = inside->ports.ranges.all[0]; /* it asks for no more */
	if (send_start(inside, &start, err) < 0) {
		end_kernel(inside);
		return RUN_FAILED;
	}
	return 0;
}
