/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The foreground process of a lab: see lab.h for the others. */
#include "lab/lab.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/signals.h"
#include "lab/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)

static const int passed_on[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

static int write_map(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* In a new user namespace: we are root here, and the user that we were outside. */
static int map_user(uid_t uid, gid_t gid, struct err *err)
{
	char users[32], groups[32];
	int code;

	snprintf(users, sizeof(users), "0 %u 1", uid);
	snprintf(groups, sizeof(groups), "0 %u 1", gid);
	write_map("/proc/self/setgroups", "deny"); /* missing before Linux 3.19 */
	code = write_map("/proc/self/uid_map", users);
	if (code >= 0)
		code = write_map("/proc/self/gid_map", groups);
	if (code < 0)
		return err_set(err, code, "users cannot be mapped: %s", strerror(-code));
	return 0;
}

/* A process in new namespaces; *@ret_user: with a user namespace, for want of privileges. As fork()
 * otherwise. */
static pid_t fork_namespaces(bool *ret_user, struct err *err)
{
	long pid = syscall(SYS_clone, NAMESPACES | SIGCHLD, 0, NULL, NULL, 0);

	*ret_user = pid < 0 && errno == EPERM;
	if (*ret_user)
		pid = syscall(SYS_clone, CLONE_NEWUSER | NAMESPACES | SIGCHLD, 0, NULL, NULL, 0);
	if (pid >= 0)
		return (pid_t)pid;
	if (*ret_user)
		return err_set(err, -errno,
			       "a lab needs root, or user namespaces, and this system refuses them "
			       "(%s): see the sysctls user.max_user_namespaces, "
			       "kernel.unprivileged_userns_clone and "
			       "kernel.apparmor_restrict_unprivileged_userns",
			       strerror(errno));
	return err_set(err, -errno, "no namespaces: %s", strerror(errno));
}

static bool is_closed(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0 && look.revents & POLLHUP;
}

static void __attribute__((noreturn))
be_init(const struct init *init, bool user, uid_t uid, gid_t gid)
{
	int code = user ? map_user(uid, gid, &init->shared->err) : 0;

	/* The caller may have died before this: then the control socket is closed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (is_closed(init->control))
		_exit(125);
	init->shared->code = code;
	_exit(code < 0 ? 125 : init_main(init));
}

/* A signal of the terminal goes to the whole process group, so the command has it, once it is there; another
 * process's was for us alone. What we were told to ignore, so was the command. */
static void pass_on(const siginfo_t *info, int control)
{
	unsigned char number = (unsigned char)info->si_signo;

	if (signal_is_ignored(info->si_signo))
		return;
	/* Of a terminal that is gone the leader of its session alone is told. */
	if (info->si_code == SI_KERNEL && !(number == SIGHUP && getsid(0) == getpid()))
		number |= INIT_SEEN;
	send(control, &number, 1, MSG_NOSIGNAL); /* if init has ended, SIGCHLD is on its way */
}

static int await_init(pid_t pid, int control, const sigset_t *signals)
{
	int status;

	for (;;) {
		siginfo_t info;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (sigwaitinfo(signals, &info) > 0 && info.si_signo != SIGCHLD)
			pass_on(&info, control);
	}
}

/* A shell that ran in the lab had no name for our process group, and could not give the terminal
 * back to it. */
static void take_terminal(pid_t group)
{
	_cleanup_close_ int terminal = -1;
	sigset_t output, old;

	if (group < 0 || group != getpgrp())
		return;
	terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (terminal < 0 || tcgetpgrp(terminal) == group)
		return;
	sigemptyset(&output);
	sigaddset(&output, SIGTTOU);
	sigprocmask(SIG_BLOCK, &output, &old);
	tcsetpgrp(terminal, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static pid_t terminal_group(void)
{
	_cleanup_close_ int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return terminal < 0 ? -1 : tcgetpgrp(terminal);
}

static int run_in(struct init *init, struct err *err)
{
	_cleanup_close_ int hear = -1, tell = -1;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid, foreground = terminal_group();
	sigset_t signals, old;
	int ends[2], status;
	bool user;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_set(err, -errno, "no socket pair: %s", strerror(errno));
	hear = ends[0];
	tell = ends[1];
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&signals, passed_on[i]);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &signals, &old);
	init->control = hear;
	init->mask = &old;
	pid = fork_namespaces(&user, err);
	if (pid == 0) {
		close_fd(tell);
		be_init(init, user, uid, gid);
	}
	hear = close_fd(hear);
	if (pid < 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		return pid;
	}
	status = await_init(pid, tell, &signals);
	take_terminal(foreground);
	sigprocmask(SIG_SETMASK, &old, NULL);
	*err = init->shared->err;
	if (init->shared->code < 0)
		return init->shared->code;
	if (WIFSIGNALED(status))
		return err_set(err, -ECHILD, "the lab was killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void close_captures(struct pcap **pcaps, unsigned count)
{
	for (unsigned i = 0; pcaps && i < count; i++)
		pcap_close(pcaps[i]);
	free(pcaps);
}

/* Opened before anything else, by the user who will own them. */
static int open_captures(const struct scenario *scenario, const char *folder, struct pcap ***ret,
			 struct err *err)
{
	unsigned count = 2 * scenario->link_count;
	struct pcap **pcaps = calloc(count + 1, sizeof(*pcaps));
	int code = 0;

	if (!pcaps)
		return -ENOMEM;
	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		code = err_set(err, -errno, "folder %s cannot be made: %s", folder,
			       strerror(errno));
	for (unsigned i = 0; code >= 0 && i < count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s-%s.pcap", folder, scenario->hosts[end->host].name,
			     end->name) < 0) {
			path = NULL;
			code = -ENOMEM;
		} else {
			code = pcap_open(path, &pcaps[i], err);
		}
	}
	if (code < 0) {
		close_captures(pcaps, count);
		return code;
	}
	*ret = pcaps;
	return 0;
}

int lab_run(const struct scenario *scenario, const struct lab_options *options,
	    struct lab_result *ret, struct err *err)
{
	unsigned count = 2 * scenario->link_count;
	size_t size = sizeof(struct lab_shared) + count * sizeof(struct traffic);
	struct rlimit open_files;
	struct init init = {.scenario = scenario, .options = options, .open_files = &open_files};
	int code = 0;

	*ret = (struct lab_result){.traffic = calloc(count + 1, sizeof(*ret->traffic))};
	if (!ret->traffic)
		return -ENOMEM;
	init.shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (init.shared == MAP_FAILED)
		return err_set(err, -errno, "no shared memory: %s", strerror(errno));
	/* Two and more for each end of a link, and for each host. */
	getrlimit(RLIMIT_NOFILE, &open_files);
	fds_raise_limit();
	if (options->pcap_folder)
		code = open_captures(scenario, options->pcap_folder, &init.pcaps, err);
	if (code >= 0)
		code = run_in(&init, err);
	memcpy(ret->traffic, init.shared->traffic, count * sizeof(*ret->traffic));
	memcpy(ret->wire, init.shared->wire, sizeof(ret->wire));
	ret->note = init.shared->note;
	ret->lost = init.shared->lost;
	close_captures(init.pcaps, count);
	setrlimit(RLIMIT_NOFILE, &open_files);
	munmap(init.shared, size);
	return code;
}

void lab_result_free(struct lab_result *result)
{
	free(result->traffic);
	result->traffic = NULL;
}
