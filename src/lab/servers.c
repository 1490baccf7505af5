/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/servers.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "lab/listening.h"
#include "lab/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#define START_LIMIT (15 * NS_PER_S)
#define STOP_LOOKS  100 /* not a time: while the machine stands still nobody can end */
#define LOOK_EVERY  10  /* ms */

/* Keeps the last bytes: the first half of a full buffer is given up. */
static void keep(struct server *server, const char *data, size_t size)
{
	size_t half = SERVER_TAIL / 2;

	if (server->tail_used + size > SERVER_TAIL) {
		memmove(server->tail, server->tail + half, SERVER_TAIL - half);
		server->tail_used = server->tail_used > half ? server->tail_used - half : 0;
	}
	memcpy(server->tail + server->tail_used, data, size);
	server->tail_used += size;
}

void server_read(struct server *server)
{
	char data[SERVER_TAIL / 2];
	ssize_t got;

	while (server->output >= 0) {
		got = read(server->output, data, sizeof(data));
		if (got > 0)
			keep(server, data, (size_t)got);
		else if (got == 0 || (errno != EINTR && errno != EAGAIN))
			server->output = close_fd(server->output);
		else
			return;
	}
}

static int launch(struct server *server, const struct server_place *place, struct err *err)
{
	const struct scenario_host *host = &place->scenario->hosts[server->also->host];
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)server->also->command, NULL};
	_cleanup_close_ int in = -1, out = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	in = ends[0];
	out = ends[1];
	if (fcntl(in, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	pid = spawn(&(struct spawn){.ns = place->hosts[server->also->host].ns,
				    .host = host->name,
				    .lab = place->lab,
				    .argv = argv,
				    .mask = place->mask,
				    .open_files = place->open_files,
				    .input = null,
				    .output = out,
				    .group = true},
		    err);
	if (pid < 0)
		return pid;
	server->pid = pid;
	server->output = steal_fd(&in);
	return 0;
}

/* Up means: more sockets wait than before, and none has been added since the last look. */
static int await(struct server *server, struct nl *diag, int before, int control, struct err *err)
{
	uint64_t limit = clock_now() + START_LIMIT;
	int last = before;

	for (;;) {
		struct pollfd polls[] = {{.fd = control, .events = POLLIN},
					 {.fd = server->output, .events = POLLIN}};
		int status = 0, now;
		pid_t ended;

		server_read(server);
		ended = waitpid(server->pid, &status, WNOHANG);
		if (ended == server->pid) {
			server->pid = 0;
			server_read(server);
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				return 0;
			return err_set(err, -ECHILD, "ended with %s %d before it listened",
				       WIFEXITED(status) ? "status" : "signal",
				       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		}
		now = listening_count(diag);
		if (now < 0)
			return err_set(err, now, "cannot see whether it listens: %s",
				       strerror(-now));
		if (now > before && now == last)
			return 0;
		last = now;
		if (clock_now() > limit)
			return err_set(err, -ETIMEDOUT,
				       "does not listen on any port after 15 s; a program that "
				       "is not a server is started with '&' in the command");
		if (poll(polls, server->output < 0 ? 1 : 2, LOOK_EVERY) > 0 && polls[0].revents)
			return -ECANCELED;
	}
}

int server_start(struct server *server, const struct lab_also *also,
		 const struct server_place *place, struct err *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_nl_ struct nl *diag = NULL;
	int before, code;

	*server = (struct server){.also = also, .output = -1};
	code = home < 0 ? -errno : host_enter(place->hosts[also->host].ns);
	if (code >= 0)
		code = nl_open(&diag, NETLINK_SOCK_DIAG);
	if (code < 0 || host_enter(home) < 0)
		return err_set(err, code < 0 ? code : -errno, "sockets cannot be listed");
	before = listening_count(diag);
	code = before < 0 ? before : launch(server, place, err);
	if (code >= 0)
		code = await(server, diag, before, place->control, err);
	if (code >= 0 || code == -ECANCELED)
		return code;
	if (server->tail_used) {
		struct err cause = *err;

		err_set(err, code, "%s; it printed:\n%.*s", cause.text, (int)server->tail_used,
			server->tail);
	}
	return err_prefix(err, code, "'%s: %s'", place->scenario->hosts[also->host].name,
			  also->command);
}

static void signal_all(const struct server *servers, unsigned count, int number)
{
	for (unsigned i = 0; i < count; i++)
		if (servers[i].pid)
			kill(-servers[i].pid, number);
}

void servers_stop(struct server *servers, unsigned count)
{
	bool left = true;

	signal_all(servers, count, SIGTERM);
	signal_all(servers, count, SIGCONT);
	for (unsigned looks = 0; left && looks < STOP_LOOKS; looks++) {
		left = false;
		for (unsigned i = 0; i < count; i++) {
			server_read(&servers[i]);
			if (servers[i].pid && waitpid(servers[i].pid, NULL, WNOHANG) != 0)
				servers[i].pid = 0;
			left |= servers[i].pid != 0;
		}
		if (left)
			poll(NULL, 0, LOOK_EVERY);
	}
	signal_all(servers, count, SIGKILL);
	for (unsigned i = 0; i < count; i++)
		servers[i].output = close_fd(servers[i].output);
}
