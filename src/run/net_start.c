/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where rivulet-net comes from (net.h): a file that has more right than we, or else ourselves. */
#include "base/cleanup.h"
#include "base/installed.h"
#include "run/journal.h"
#include "run/net.h"
#include "run/privilege.h"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Root starts it too: what it has written down is then the same for all users. */
static bool is_needed(const char *path)
{
	return (geteuid() == 0 || !privilege_has(CAP_NET_ADMIN)) && access(path, X_OK) == 0 &&
	       privilege_of(path, getuid(), getgid());
}

static bool passes;

void net_host_passes(void)
{
	passes = true;
}

static noreturn void become(int socket)
{
	char path[PATH_MAX];

	/* Nobody after us sees as much. */
	if (!passes)
		journal_remove_gone();
	if (!passes && installed_find("rivulet-net", path) == 0 && is_needed(path) &&
	    dup2(socket, STDIN_FILENO) == STDIN_FILENO)
		execl(path, "rivulet-net", (char *)NULL);
	_exit(net_main(socket, false, !passes));
}

int net_start(struct err *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close_fd(ends[0]);
		become(ends[1]);
	}
	close_fd(ends[1]);
	if (pid < 0) {
		close_fd(ends[0]);
		return err_set(err, -errno, "cannot start rivulet-net: %s", strerror(errno));
	}
	return ends[0];
}

static void advise_of(const char *path, struct err *ret)
{
	struct stat st = {0};
	const struct group *group = NULL;

	if (access(path, X_OK) < 0) {
		if (stat(path, &st) == 0)
			group = getgrgid(st.st_gid);
		err_set(ret, 0, "%s, which has it, is for members of the group %s only", path,
			group ? group->gr_name : "that it belongs to");
	} else if (!privilege_of(path, getuid(), getgid())) {
		err_set(ret, 0, "rivulet-net(8) says how %s gets it", path);
	} else {
		err_set(ret, 0, "%s does not get it here (%s)", path,
			prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
				? "no_new_privs is set"
				: "a container, or a file system without set-user-ID");
	}
}

void net_advise(struct err *ret)
{
	char path[PATH_MAX];

	if (installed_find("rivulet-net", path) == 0)
		advise_of(path, ret);
	else
		err_set(ret, 0, "rivulet-net, which could have it, is not installed");
	err_prefix(
		ret, 0,
		"no right to set up the links (CAP_NET_ADMIN), so that only those carry subflows "
		"that are set up already");
}
