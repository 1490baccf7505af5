/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/spawn.h"

#include "base/cleanup.h"
#include "lab/hosts.h"
#include "lab/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What a child tells over a pipe when it does not become the program. */
struct failure {
	int code;
	struct err err;
};

int spawn_enter(int ns, const char *host, const char *lab, struct err *err)
{
	int code = host_enter(ns);

	if (code < 0)
		return err_set(err, code, "host '%s' cannot be entered: %s", host, strerror(-code));
	mounts_sys(NULL); /* where it may not be mounted, programs see another host's devices */
	/* Who a program in the lab is, it is by the lab and not by sudo. */
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	if (setenv(SPAWN_LAB, lab, 1) < 0 || setenv(SPAWN_HOST, host, 1) < 0)
		return -errno;
	return 0;
}

static int become(const struct spawn *what, struct err *err)
{
	int code = spawn_enter(what->ns, what->host, what->lab, err);

	if (code < 0)
		return code;
	if (what->group && setpgid(0, 0) < 0)
		return err_set(err, -errno, "no process group: %s", strerror(errno));
	if ((what->input >= 0 && dup2(what->input, STDIN_FILENO) < 0) ||
	    (what->output >= 0 &&
	     (dup2(what->output, STDOUT_FILENO) < 0 || dup2(what->output, STDERR_FILENO) < 0)))
		return err_set(err, -errno, "standard streams cannot be set: %s", strerror(errno));
	setrlimit(RLIMIT_NOFILE, what->open_files);
	sigprocmask(SIG_SETMASK, what->mask, NULL);
	execvp(what->argv[0], what->argv);
	return err_set(err, -errno, "%s: %s", what->argv[0], strerror(errno));
}

static void __attribute__((noreturn)) child(const struct spawn *what, int report)
{
	struct failure failure = {0};

	failure.code = become(what, &failure.err);
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(spawn_exit_code(failure.code));
}

pid_t spawn(const struct spawn *what, struct err *err)
{
	_cleanup_close_ int in = -1, out = -1;
	struct failure failure;
	int ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -ECHILD, "no pipe: %s", strerror(errno));
	in = ends[0];
	out = ends[1];
	pid = fork();
	if (pid < 0)
		return err_set(err, -ECHILD, "no process: %s", strerror(errno));
	if (pid == 0)
		child(what, out);
	out = close_fd(out);
	do
		got = read(in, &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	return got == sizeof(failure) ? err_set(err, failure.code, "%s", failure.err.text) : pid;
}

int spawn_exit_code(int code)
{
	if (code == -ECHILD)
		return 125;
	return code == -ENOENT || code == -ENOTDIR ? 127 : 126;
}

/* The names in "NAME=PATH NAME=PATH". */
static const char *names_of(const char *lab, char *ret, size_t room)
{
	size_t used = 0;

	ret[0] = '\0';
	for (const char *at = lab; *at && used < room; at += strcspn(at, " ")) {
		at += strspn(at, " ");
		used += (size_t)snprintf(ret + used, room - used, "%s%.*s", used ? ", " : "",
					 (int)strcspn(at, "= "), at);
	}
	return ret;
}

int spawn_find(const char *lab, const char *host, struct err *err)
{
	size_t length = strlen(host);
	char names[256];

	for (const char *at = lab; *at; at += strspn(at, " ")) {
		size_t size = strcspn(at, " ");

		if (size > length && !strncmp(at, host, length) && at[length] == '=') {
			_cleanup_free_ char *path = strndup(at + length + 1, size - length - 1);
			int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

			if (fd < 0)
				return err_set(err, -errno, "host '%s' cannot be reached at %s: %s",
					       host, path, strerror(errno));
			return fd;
		}
		at += size;
	}
	return err_set(err, -ENOENT, "this lab has no host '%s'; it has: %s", host,
		       names_of(lab, names, sizeof(names)));
}
