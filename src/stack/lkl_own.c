/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A way to a stack of another process (own_wire.h). That process is started so that the program does not notice: it is no child of
 * its, so no signal tells of its end and no wait() finds it; it has nothing of the program's but this socket, and it is in a session
 * of its own.
 */
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/installed.h"
#include "stack/lkl_parts.h"
#include "stack/own_wire.h"

#include <fcntl.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* fork() whose child sends no signal when it ends. Both of these may do only what a signal handler may: the program can have
 * threads. */
static pid_t fork_quietly(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

/* Beyond the standard descriptors, which a program may have been started without. */
static int move_up(int fd)
{
	return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static noreturn void become(const char *program, int control)
{
	int null = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));

	control = move_up(control);
	setsid();
	if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
	    dup2(control, STDIN_FILENO) == STDIN_FILENO) {
		fds_close_but(NULL, 0);
		execlp(program, OWN_PROGRAM, OWN_COMMAND, stack_lkl.name, (char *)NULL);
	}
	_exit(127);
}

static int start(int control)
{
	char path[PATH_MAX];
	/* The one that we are, or that lies beside us, before any other. */
	const char *program = installed_find(OWN_PROGRAM, path) == 0 ? path : OWN_PROGRAM;
	pid_t between = fork_quietly();
	int code = 0;

	if (between == 0) {
		pid_t pid = fork_quietly();

		if (pid == 0)
			become(program, control);
		_exit(pid < 0);
	}
	if (between < 0)
		return -errno;
	while (waitpid(between, &code, __WALL) < 0 && errno == EINTR)
		;
	return WIFEXITED(code) && WEXITSTATUS(code) == 0 ? 0 : -EAGAIN;
}

static void tell(uint16_t port, void *data)
{
	const struct lkl *lkl = data;

	send(lkl->control, &port, sizeof(port), MSG_NOSIGNAL);
}

static void ask_for_more(void *data)
{
	tell(0, data);
}

static int hear(struct lkl *lkl, struct err *err)
{
	struct own_answer answer;
	ssize_t got;

	do
		got = recv(lkl->control, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(answer))
		return err_set(err, -ENOENT,
			       "stack lkl needs the program " OWN_PROGRAM
			       ", which is neither beside this one nor in PATH");
	if (answer.code < 0)
		return err_set(err, answer.code, "%.*s", (int)sizeof(answer.words), answer.words);
	lkl->wire = fds_receive(lkl->control);
	return lkl->wire < 0 ? err_set(err, lkl->wire, "the process of stack lkl has ended") : 0;
}

int lkl_open_own(struct lkl *lkl, const struct stack_options *options, struct err *err)
{
	struct own_wish wish = {.told = options->policy != NULL};
	int ends[2], code;

	/* It is found by what the environment says. */
	if (getauxval(AT_SECURE))
		return err_set(err, -EPERM, "stack lkl is not for set-user-ID programs");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	lkl->control = ends[0];
	if (options->policy)
		wish.policy = *options->policy;
	/* It waits there until somebody reads it. */
	code = send(lkl->control, &wish, sizeof(wish), MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (code == 0)
		code = start(ends[1]);
	close_fd(ends[1]);
	if (code < 0)
		return err_set(err, code, "cannot start a process: %s", strerror(-code));
	lkl->listens = tell;
	lkl->more = ask_for_more;
	lkl->data = lkl;
	return hear(lkl, err);
}
