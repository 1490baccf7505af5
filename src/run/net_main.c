/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two processes of net.h, and what they keep of who started them: nothing. */
#include "base/cleanup.h"
#include "base/fds.h"
#include "run/bystanders.h"
#include "run/limits.h"
#include "run/net.h"
#include "run/net_server.h"
#include "run/privilege.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Standard error is kept while the caller lives: it is said there what a sanitizer finds. */
static int let_go(int socket)
{
	int kept = fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fds_close_but((int[]){kept, null}, 2);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close_fd(null);
	return kept;
}

/* No key pressed at the caller's terminal means us, no limit of the caller's files ends us, and what ends all processes of a
 * service gives its program time, and us until that has ended. */
static void settle(void)
{
	const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGXFSZ};
	sigset_t none;

	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	limits_lift_time();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	setsid();
	if (chdir("/") < 0)
		return; /* where we are does not matter */
}

/* A file with an owner of its own makes that owner ours: then the caller can neither stop us in the middle of
 * something nor write what we have written down. */
static int become_owner(struct err *err)
{
	uid_t owner = geteuid();

	if (owner == getuid())
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(owner, owner, owner) < 0)
		return err_set(err, -errno, "cannot become user %u: %s", owner, strerror(errno));
	return 0;
}

/* Takes back what the server left when it was killed: as after the caller's death (net_server.c). The exit code. */
static int keep(struct journal *journal, pid_t server)
{
	int status = 0;

	prctl(PR_SET_NAME, "rivulet-keep");
	privilege_keep(&(unsigned){CAP_NET_ADMIN}, 1, NULL);
	journal_keep(journal, JOURNAL_KEEPER);
	while (waitpid(server, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	net_forget_caller();
	while (bystanders_leave(journal, true) > 0)
		poll(NULL, 0, 1000);
	return 1;
}

static int work(int client, struct journal *journal, const struct net_caller *caller, bool guarded)
{
	pid_t server;

	fflush(NULL);
	server = guarded ? fork() : -1;
	if (server > 0) {
		close_fd(client);
		return keep(journal, server);
	}
	prctl(PR_SET_NAME, "rivulet-net");
	journal_keep(journal, JOURNAL_SERVER);
	net_serve(client, journal, caller);
	if (server == 0)
		_exit(0);
	return 0;
}

int net_main(int socket, bool by_file, bool guarded)
{
	const struct net_caller caller = {.user = getuid(),
					  .modest = by_file && getuid() != 0,
					  .alone = by_file && geteuid() == getuid(),
					  .passes = !guarded};
	/* The last for ports below 1024, of a caller who has it himself. */
	static const unsigned kept[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
	struct journal *journal;
	struct err err = {0};
	int client = let_go(socket), code;

	settle();
	if (client < 0)
		return 1;
	if (become_owner(&err) < 0 || privilege_keep(kept, ARRAY_SIZE(kept), &err) < 0 ||
	    journal_open(&journal, caller.alone || caller.passes ? JOURNAL_ALONE : JOURNAL_SHARED,
			 &err) < 0) {
		net_refuse(client, err.text);
		return 1;
	}
	code = work(client, journal, &caller, guarded);
	journal_close(journal);
	return code;
}
