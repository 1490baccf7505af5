/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/init.h"

#include "base/cleanup.h"
#include "lab/hosts.h"
#include "lab/mounts.h"
#include "lab/servers.h"
#include "lab/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

struct lab {
	const struct init *init;
	const struct scenario *scenario;
	struct err *err;
	struct host *hosts;
	struct wire **wires;
	unsigned wire_count; /* ends of all links; wires that are not made yet are NULL */
	struct server *servers;
	unsigned server_count;
	char *names;    /* value of RIVULET_LAB */
	pid_t emulator; /* 0: none, or ended */
	int start;      /* eventfd: tells the emulator that the command starts */
	int stop;       /* pipe: the emulator ends when this end is closed */
	pid_t command;
	int children; /* signalfd for SIGCHLD */
};

/* The machine's own file system with /proc and /etc/hosts of the lab; best effort but for the
 * first. */
static int build_mounts(struct lab *lab)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	struct err *note = &lab->init->shared->note;
	size_t size;
	int code = mounts_separate(lab->err);

	if (code < 0)
		return code;
	mounts_proc(note);
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	hosts_write_names(lab->scenario, out);
	fclose(steal_ptr(out));
	mounts_names(text, note);
	if (mounts_shared_memory(note) == 0)
		setenv("RIVULET_STATE", "/dev/shm/rivulet", 1);
	return 0;
}

/* Names the namespaces by our descriptors, which everyone in the lab can open. */
static int name_hosts(struct lab *lab)
{
	_cleanup_fclose_ FILE *out = NULL;
	char self[32] = "1";
	ssize_t length = readlink("/proc/self", self, sizeof(self) - 1);
	size_t size;

	self[length > 0 ? length : 1] = '\0';
	out = open_memstream(&lab->names, &size);
	if (!out)
		return -ENOMEM;
	for (unsigned i = 0; i < lab->scenario->host_count; i++)
		fprintf(out, "%s%s=/proc/%s/fd/%d", i ? " " : "", lab->scenario->hosts[i].name,
			self, lab->hosts[i].ns);
	return 0;
}

/* Has a signal come, or is the caller gone? */
static bool is_asked(const struct lab *lab)
{
	struct pollfd look = {.fd = lab->init->control, .events = POLLIN};

	return poll(&look, 1, 0) > 0;
}

static int build_wires(struct lab *lab)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	const char *kind = lab->init->options->wire;

	if (home < 0)
		return err_set(lab->err, -errno, "no network namespace: %s", strerror(errno));
	lab->wires = calloc(lab->wire_count + 1, sizeof(*lab->wires));
	if (!lab->wires)
		return -ENOMEM;
	hosts_silence(); /* our own, where one end of a veth pair may be */
	for (unsigned i = 0; i < lab->wire_count; i++) {
		const struct scenario_link *link = &lab->scenario->links[i / 2];
		const struct scenario_end *end = &link->ends[i % 2];
		struct wire_place place = {
			.host = lab->hosts[end->host].nl,
			.host_ns = lab->hosts[end->host].ns,
			.wires_ns = home,
			.number = i,
			.count = lab->wire_count,
		};
		int code;

		if (is_asked(lab))
			return -ECANCELED;
		code = wire_open(kind, &place, end->name, link->mtu, &lab->wires[i], lab->err);
		if (code < 0)
			return err_prefix(lab->err, code, "link '%s'", link->name);
		kind = lab->wires[i]->ops->name; /* all of one kind */
		snprintf(lab->init->shared->wire, sizeof(lab->init->shared->wire), "%s", kind);
	}
	return 0;
}

static void __attribute__((noreturn)) emulate(struct lab *lab, int stop)
{
	struct emulator_job job = {
		.scenario = lab->scenario,
		.seed = lab->init->options->seed,
		.wires = lab->wires,
		.pcaps = lab->init->pcaps,
		.traffic = lab->init->shared->traffic,
		.samples = lab->init->options->samples,
		.lost = &lab->init->shared->lost,
		.awaited = lab->init->options->from_traffic ? (int)lab->init->options->host : -1,
		.start = lab->start,
		.stop = stop,
	};
	int code;

	setpgid(0, 0);            /* the terminal's signals are not for the emulator */
	signal(SIGPIPE, SIG_IGN); /* nor is it over when nobody reads the samples any more */
	close_fd(lab->stop);
	close_fd(lab->init->control);
	hosts_free(lab->hosts, lab->scenario->host_count);
	code = emulator_run(&job, lab->err);
	for (unsigned i = 0; lab->init->pcaps && i < lab->wire_count; i++) {
		if (pcap_error(lab->init->pcaps[i]) < 0)
			err_set(&lab->init->shared->lost, 0, "a capture is cut short: %s",
				strerror(-pcap_error(lab->init->pcaps[i])));
		pcap_close(lab->init->pcaps[i]);
	}
	_exit(code < 0);
}

static int start_emulator(struct lab *lab)
{
	int ends[2];

	lab->start = eventfd(0, EFD_CLOEXEC);
	if (lab->start < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return err_set(lab->err, -errno, "no pipe: %s", strerror(errno));
	lab->stop = ends[1];
	lab->emulator = fork();
	if (lab->emulator == 0)
		emulate(lab, ends[0]);
	close_fd(ends[0]);
	if (lab->emulator < 0)
		return err_set(lab->err, -errno, "no process for the emulator: %s",
			       strerror(errno));
	return 0;
}

static int build(struct lab *lab)
{
	int code = build_mounts(lab);

	if (code >= 0)
		code = hosts_make(lab->scenario, &lab->hosts, lab->err);
	if (code >= 0)
		code = name_hosts(lab);
	if (code >= 0)
		code = build_wires(lab);
	if (code >= 0)
		code = hosts_configure(lab->scenario, lab->hosts, lab->err);
	if (code >= 0)
		code = start_emulator(lab);
	return code;
}

static int start_servers(struct lab *lab)
{
	const struct lab_options *options = lab->init->options;
	const struct server_place place = {
		.scenario = lab->scenario,
		.hosts = lab->hosts,
		.lab = lab->names,
		.mask = lab->init->mask,
		.open_files = lab->init->open_files,
		.control = lab->init->control,
	};

	lab->servers = calloc(options->also_count + 1, sizeof(*lab->servers));
	if (!lab->servers)
		return -ENOMEM;
	for (unsigned i = 0; i < options->also_count; i++) {
		int code;

		lab->server_count++;
		code = server_start(&lab->servers[i], &options->also[i], &place, lab->err);
		if (code < 0)
			return code;
	}
	return 0;
}

static int start_command(struct lab *lab)
{
	const struct lab_options *options = lab->init->options;
	static const uint64_t one = 1;
	const struct spawn what = {
		.ns = lab->hosts[options->host].ns,
		.host = lab->scenario->hosts[options->host].name,
		.lab = lab->names,
		.argv = options->argv,
		.mask = lab->init->mask,
		.open_files = lab->init->open_files,
		.input = -1,
		.output = -1,
	};

	if (write(lab->start, &one, sizeof(one)) < 0)
		return err_set(lab->err, -errno, "the emulator cannot be told to start: %s",
			       strerror(errno));
	lab->command = spawn(&what, lab->err);
	return lab->command < 0 ? lab->command : 0;
}

static int shell_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Everything in the PID namespace that has lost its parent is ours. >= 0: the command has ended. */
static int reap(struct lab *lab)
{
	int status, result = -EAGAIN;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == lab->command)
			result = shell_code(status);
		if (pid == lab->emulator) {
			lab->emulator = 0;
			if (!*lab->err->text)
				err_set(lab->err, 0, "the emulator ended (%d)", shell_code(status));
			return -EPIPE;
		}
		for (unsigned i = 0; i < lab->server_count; i++)
			if (lab->servers[i].pid == pid)
				lab->servers[i].pid = 0;
	}
	return result;
}

/* Passes on what the caller sends; -ECANCELED: it is gone. */
static int pass_signals(struct lab *lab)
{
	unsigned char numbers[16];
	ssize_t got = read(lab->init->control, numbers, sizeof(numbers));

	for (ssize_t i = 0; i < got; i++)
		if (!(numbers[i] & INIT_SEEN))
			kill(lab->command, numbers[i]);
	return got == 0 ? -ECANCELED : 0;
}

/* Until the command ends: its exit code. */
static int supervise(struct lab *lab)
{
	unsigned count = 2 + lab->server_count;
	_cleanup_free_ struct pollfd *polls = calloc(count, sizeof(*polls));
	struct signalfd_siginfo info;
	int code = -EAGAIN;

	if (!polls)
		return -ENOMEM;
	while (code == -EAGAIN) {
		polls[0] = (struct pollfd){.fd = lab->children, .events = POLLIN};
		polls[1] = (struct pollfd){.fd = lab->init->control, .events = POLLIN};
		for (unsigned i = 0; i < lab->server_count; i++)
			polls[2 + i] =
				(struct pollfd){.fd = lab->servers[i].output, .events = POLLIN};
		if (poll(polls, count, -1) < 0 && errno != EINTR)
			return -errno;
		for (unsigned i = 0; i < lab->server_count; i++)
			if (polls[2 + i].revents)
				server_read(&lab->servers[i]);
		if (polls[1].revents && pass_signals(lab) < 0)
			return -ECANCELED;
		if (polls[0].revents) {
			while (read(lab->children, &info, sizeof(info)) > 0)
				;
			code = reap(lab);
		}
	}
	return code;
}

/* Captures and counters are complete when the emulator has ended. */
static void finish(struct lab *lab)
{
	servers_stop(lab->servers, lab->server_count);
	lab->stop = close_fd(lab->stop);
	if (lab->emulator)
		waitpid(lab->emulator, NULL, 0);
	for (unsigned i = 0; lab->wires && i < lab->wire_count; i++)
		if (lab->wires[i])
			lab->init->shared->traffic[i].missed =
				lab->wires[i]->ops->missed(lab->wires[i]);
}

/* The code of a signal that came before the command was there. */
static int cancelled(struct lab *lab)
{
	unsigned char number;

	return read(lab->init->control, &number, 1) == 1 ? 128 + (number & ~INIT_SEEN)
							 : 128 + SIGKILL;
}

int init_main(const struct init *init)
{
	struct lab lab = {.init = init,
			  .scenario = init->scenario,
			  .err = &init->shared->err,
			  .stop = -1,
			  .wire_count = 2 * init->scenario->link_count};
	sigset_t children;
	int code;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	lab.children = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	code = lab.children < 0 ? -EMFILE : build(&lab);
	if (code >= 0)
		code = start_servers(&lab);
	if (code >= 0 && is_asked(&lab))
		code = -ECANCELED;
	if (code == -ECANCELED) {
		code = cancelled(&lab);
	} else if (code >= 0) {
		code = start_command(&lab);
		code = code < 0 ? spawn_exit_code(code) : supervise(&lab);
	}
	finish(&lab);
	if (code < 0 && !*lab.err->text)
		err_set(lab.err, code, "the lab cannot be built: %s", strerror(-code));
	init->shared->code = code < 0 ? code : 0;
	return code < 0 ? 125 : code;
}
