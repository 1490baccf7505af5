/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/fds.h"
#include "link/blackhole.h"
#include "run/elsewhere.h"
#include "run/end_as.h"
#include "run/explain.h"
#include "run/inside.h"
#include "run/limits.h"
#include "run/net.h"
#include "run/privilege.h"
#include "run/run.h"
#include "run/stopping.h"
#include "run/summary.h"
#include "run/supervisor.h"
#include "run/user.h"
#include "stack/native.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { OURS, THEIRS }; /* the ends of a socket pair */

/* Why the program could not be started, from the child that tried. */
struct start_failure {
	int exit_code;
	struct err err;
};

struct foreground {
	const struct run_options *options;
	sigset_t caller_mask; /* that the program starts with */
	bool deaf;            /* it ignores SIGCHLD, by which we learn of its end */
	sigset_t early;       /* signals that came before there was a program */
	int control;
	int net; /* to rivulet-net, until the supervisor has it */
	pid_t watcher, program;
};

static int take_note(const struct run_options *options, const struct err *why)
{
	struct links none = {0};
	struct summary summary = {.links = &none, .why_tcp = why->text};

	if (!options->quiet)
		fprintf(stderr, "rivulet: %s\n", why->text);
	return options->report ? summary_report(&summary, options->report) : 0;
}

/* No stack to offer: what the caller started becomes the program. */
static int become(const struct run_options *options, struct err *err)
{
	if (!options->as_root && user_leave_sudo(err) < 0)
		return RUN_FAILED;
	execvp(options->argv[0], options->argv);
	err_set(err, -errno, "cannot run %s: %s", options->argv[0], strerror(errno));
	return errno == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
}

/* The same for code of ours; comes back only if it cannot begin. @report is closed when it serves. */
static int become_service(const struct run_options *options, int own, int report, struct err *err)
{
	const struct run_service *service = options->service;

	fds_close_but((int[]){own, report}, 2);
	if (!options->as_root && user_leave_sudo(err) < 0)
		return RUN_FAILED;
	/* Nobody would know of it, or end it, without the foreground. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (service->open(own, service->data, err) < 0)
		return RUN_FAILED;
	close_fd(report);
	exit(service->serve(service->data));
}

static void print(const char *line, void *data)
{
	printf("rivulet: %s\n", line);
}

static int dry_run(const struct run_options *options, struct err *err)
{
	struct netstack netstack;
	struct native_plan plan;
	char text[256];
	int code = netstack_open_host(&netstack);

	if (code < 0) {
		err_set(err, code, "cannot reach the kernel's network configuration: %s",
			strerror(-code));
		return RUN_FAILED;
	}
	code = native_plan(&netstack, &(struct native_facts){.policy = options->policy}, &plan,
			   err);
	netstack_close(&netstack);
	if (code < 0)
		return RUN_FAILED;
	explain_plan(&plan, print, NULL);
	for (unsigned i = 0; i < plan.multipath.count; i++)
		printf("rivulet: would set up: %s\n",
		       change_text(&plan.multipath.changes[i], text, sizeof(text)));
	if (blackhole_is_kernels())
		printf("rivulet: would set up: %s\n",
		       change_text(&(struct change){.kind = CHANGE_BLACKHOLE}, text, sizeof(text)));
	if (plan.multipath.used > 1)
		puts("rivulet: would bound what TCP sockets hold (net.ipv4.tcp_wmem) while "
		     "connections send over several links");
	native_plan_free(&plan);
	return 0;
}

static int pair(int type, int ends[static 2], struct err *err)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0)
		return 0;
	return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
}

/* A helper keeps only standard error, and ends with the program alone: no key pressed at the terminal reaches it, and what ends
 * all processes of a service at once leaves the program its network for as long as it needs to end. */
static void become_helper(const struct foreground *f)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of the program's files is none of our words */
	limits_lift_time();
	sigprocmask(SIG_SETMASK, &f->caller_mask, NULL);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close_fd(null);
	}
}

/* The watcher is our child and starts the supervisor: no signal to our children alone kills both.
 */
static int start_helpers(struct foreground *f, const int handoffs[static 2], struct err *err)
{
	int ends[2];

	if (pair(SOCK_SEQPACKET, ends, err) < 0)
		return -EMFILE;
	fflush(NULL);
	f->watcher = fork();
	if (f->watcher == 0) {
		struct supervisor setup = {.options = f->options,
					   .foreground = getppid(),
					   .control = ends[THEIRS],
					   .handoff = handoffs[0],
					   .watch = handoffs[1],
					   .net = f->net};
		const int keep[] = {setup.control, setup.handoff, setup.watch, setup.net,
				    setup.options->known};

		fds_close_but(keep, ARRAY_SIZE(keep));
		become_helper(f);
		if (!f->options->as_root && user_leave_sudo(NULL) < 0)
			_exit(RUN_FAILED); /* as the program will, with words */
		_exit(watcher_main(&setup));
	}
	f->control = ends[OURS];
	close_fd(ends[THEIRS]);
	f->net = close_fd(f->net);
	if (f->watcher < 0)
		return err_set(err, -errno, "cannot start the supervisor: %s", strerror(errno));
	return 0;
}

/* In the child that becomes the program. */
static noreturn void start(const struct foreground *f, const int handoffs[static 2], int report)
{
	struct start_failure failure = {.exit_code = RUN_FAILED};
	int listener, own;

	sigprocmask(SIG_SETMASK, &f->caller_mask, NULL);
	if (f->deaf)
		signal(SIGCHLD, SIG_IGN);
	listener = run_attachment(f->options)->load(f->options->via, &own, &failure.err);
	if (listener >= 0) {
		int err = fds_send(handoffs[0], listener);

		if (err == 0)
			err = fds_send(handoffs[1], listener);
		close_fd(listener);
		if (err < 0) {
			err_set(&failure.err, err, "the supervisor is gone");
		} else if (f->options->service) {
			failure.exit_code = become_service(f->options, own, report, &failure.err);
		} else {
			failure.exit_code = become(f->options, &failure.err);
		}
	}
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(RUN_FAILED);
	_exit(failure.exit_code);
}

/* 0; or the exit code that says why there is none. */
static int start_program(struct foreground *f, const int handoffs[static 2], struct err *err)
{
	struct start_failure failure;
	int pipe[2];
	ssize_t got;

	if (pipe2(pipe, O_CLOEXEC) < 0) {
		err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
		return RUN_FAILED;
	}
	sigpending(&f->early);
	f->program = fork();
	if (f->program == 0)
		start(f, handoffs, pipe[1]);
	close_fd(pipe[1]);
	if (f->program < 0) {
		err_set(err, -errno, "cannot start a process: %s", strerror(errno));
		close_fd(pipe[0]);
		return RUN_FAILED;
	}
	do
		got = read(pipe[0], &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	close_fd(pipe[0]);
	if (got != sizeof(failure))
		return 0; /* closed by the program's start */
	*err = failure.err;
	waitpid(f->program, NULL, 0);
	f->program = 0;
	return failure.exit_code;
}

/* The program's ends of pipes are its own to close: we keep none open. */
static void let_go_of_descriptors(const struct foreground *f)
{
	int null;

	fds_close_but(&f->control, 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (f->options->quiet)
		dup2(null, STDERR_FILENO);
	close_fd(null);
}

/* What a signal to the foreground means for the program. A key pressed at the terminal (SI_KERNEL)
 * has reached the whole process group, the program too; what a process sent to us was meant for the
 * program. So was an alarm that the caller set before he started us: no child has it. And of a terminal that is gone the
 * leader of its session alone is told. */
static void hand_on(const struct foreground *f, const siginfo_t *info)
{
	bool ours =
		info->si_signo == SIGALRM || (info->si_signo == SIGHUP && getsid(0) == getpid());
	bool key = info->si_code == SI_KERNEL && !ours;

	if (!key && info->si_pid != f->program)
		kill(f->program, info->si_signo);
}

/* The program is there now: what came before has reached nobody, keys of the terminal neither. */
static void hand_on_early(struct foreground *f)
{
	siginfo_t info;

	sigdelset(&f->early, SIGCHLD);
	while (sigtimedwait(&f->early, &info, &(struct timespec){0}) > 0)
		kill(f->program, info.si_signo);
}

/* Waits for the program's end, stopping with it when it is stopped. Returns its wait status. */
static int follow(const struct foreground *f)
{
	pid_t waker = 0;
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		siginfo_t info;
		int status;

		if (sigwaitinfo(&all, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			if (!waker || info.si_pid != waker)
				hand_on(f, &info);
			continue;
		}
		while (waitpid(f->program, &status, WNOHANG | WUNTRACED) > 0) {
			if (!WIFSTOPPED(status))
				return status;
			/* SIGCONT wakes us with the program, or is handed on to it. */
			waker = stop_with(f->program);
		}
	}
}

/* The supervisor's next byte, and in @ret (may be NULL) the words after it; 0 when it is gone. */
static char hear(const struct foreground *f, struct err *ret)
{
	char message[1 + sizeof(ret->text)] = {0};
	ssize_t got;

	do
		got = recv(f->control, message, sizeof(message) - 1, 0);
	while (got < 0 && errno == EINTR);
	if (got > 1 && ret)
		err_set(ret, 0, "%s", message + 1);
	return message[0];
}

/* Tells the supervisor @why, and waits until nothing is left of us, or processes of the run go on without us. */
static void end(const struct foreground *f, char why)
{
	char what = 0;

	supervisor_say(f->control, why);
	do
		what = hear(f, NULL);
	while (what == SUPERVISOR_DONE);
	if (what == SUPERVISOR_STAYS)
		return;
	waitpid(f->watcher, NULL, 0);
}

/* The kernel says nothing when it starts a program with less than its file promises. */
static void note_privilege(const struct run_options *options)
{
	char path[PATH_MAX];
	const char *how;

	if (options->quiet || options->service || !privilege_taken() ||
	    privilege_find(options->argv[0], path, sizeof(path)) < 0)
		return;
	how = privilege_of(path, getuid(), getgid());
	if (how)
		fprintf(stderr,
			"rivulet: %s is %s, and starts without that privilege: only root may "
			"supervise programs that have one\n",
			path, how);
}

static bool needs_net(const struct stack_ops *stack)
{
	return stack->uses_host_links || stack->needs_packets;
}

/* -EBUSY: as run_on(). */
static int run_under(struct foreground *f, struct err *err)
{
	int handoff[2], watch[2], code, status;

	/* First of all: what we have to do with the caller's rights, beside loading the filter. */
	f->net = needs_net(run_stack(f->options)) ? net_start(err) : -1;
	if (f->net < 0 && needs_net(run_stack(f->options)))
		return RUN_FAILED;
	if (run_attachment(f->options)->prepare)
		run_attachment(f->options)->prepare();
	if (pair(SOCK_STREAM, handoff, err) < 0 || pair(SOCK_STREAM, watch, err) < 0)
		return RUN_FAILED;
	if (start_helpers(f, (int[]){handoff[THEIRS], watch[THEIRS]}, err) < 0)
		return RUN_FAILED;
	close_fd(handoff[THEIRS]);
	close_fd(watch[THEIRS]);
	switch (hear(f, err)) {
	case SUPERVISOR_READY:
		break;
	case SUPERVISOR_TAKEN:
		close_fd(handoff[OURS]);
		close_fd(watch[OURS]);
		close_fd(f->control);
		waitpid(f->watcher, NULL, 0);
		return -EBUSY;
	default:
		err_set(err, -ECHILD, "the supervisor could not set up");
		return RUN_FAILED;
	}
	note_privilege(f->options);
	code = start_program(f, (int[]){handoff[OURS], watch[OURS]}, err);
	if (code == 0 && !f->options->as_root && user_leave_sudo(err) < 0)
		code = RUN_FAILED;
	/* If there is no program, the helpers see these end. */
	close_fd(handoff[OURS]);
	close_fd(watch[OURS]);
	if (code != 0) {
		end(f, SUPERVISOR_FAILED);
		return code;
	}
	let_go_of_descriptors(f);
	hand_on_early(f);
	status = follow(f);
	if (f->options->service)
		f->options->service->clean(f->options->service->data);
	end(f, SUPERVISOR_ENDED);
	return end_as(status);
}

/* As run_program(). -EBUSY: nothing was started, for the host's links are set up for other wishes. */
static int run_on(const struct run_options *options, struct err *err)
{
	struct foreground f = {.options = options, .control = -1};
	sigset_t all;
	struct err why;
	int code;

	if (options->via)
		options->via->stack = run_stack(options);
	if (options->stack && options->stack->probe(&why) < 0) {
		err_set(err, -ENOSYS, "stack %s: %s", options->stack->name, why.text);
		return RUN_FAILED;
	}
	if (!options->stack && native_probe(&why) < 0) {
		if (options->service) {
			*err = why;
			return RUN_FAILED;
		}
		if (take_note(options, &why) < 0)
			return RUN_FAILED;
		return options->dry_run ? 0 : become(options, err);
	}
	if (options->dry_run && !run_stack(options)->uses_host_links) {
		printf("rivulet: stack %s: %s\n", run_stack(options)->name,
		       run_stack(options)->summary);
		return 0;
	}
	if (options->dry_run)
		return dry_run(options, err);
	if (run_stack(options)->machine)
		return inside_run(options, err);
	/* From here on signals are waited for, never handled. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &f.caller_mask);
	f.deaf = signal(SIGCHLD, SIG_DFL) == SIG_IGN;
	code = run_under(&f, err);
	if (code == -EBUSY) {
		sigprocmask(SIG_SETMASK, &f.caller_mask, NULL);
		signal(SIGCHLD, f.deaf ? SIG_IGN : SIG_DFL);
	}
	return code;
}

int run_program(const struct run_options *options, struct err *err)
{
	struct run_options other = *options;
	int code = run_on(options, err);

	if (code != -EBUSY)
		return code;
	other.stack = elsewhere_find(options);
	if (!other.stack) {
		elsewhere_advise(err);
		return RUN_FAILED;
	}
	elsewhere_note(options, other.stack, err);
	err->text[0] = '\0';
	return run_on(&other, err);
}
