/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number that sudo has put into the environment; false for anything else. */
static bool read_id(const char *name, unsigned *ret)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return false;
	*ret = (unsigned)value;
	return true;
}

/* user_given() */
static struct {
	bool known;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	unsigned count;
} given;

void user_given(uid_t uid, gid_t gid, const gid_t *groups, unsigned count)
{
	given.known = true;
	given.uid = uid;
	given.gid = gid;
	given.groups = groups;
	given.count = count;
}

static int become_given(void)
{
	if (given.uid == 0)
		return 0;
	return setgroups(given.count, given.groups) < 0 || setgid(given.gid) < 0 ||
			       setuid(given.uid) < 0
		       ? -errno
		       : 0;
}

static int become(uid_t uid, gid_t gid)
{
	const struct passwd *user = getpwuid(uid);
	int err = user ? initgroups(user->pw_name, gid) : setgroups(1, &gid);

	if (err < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return -errno;
	if (!user)
		return 0;
	if (setenv("HOME", user->pw_dir, 1) < 0 || setenv("USER", user->pw_name, 1) < 0 ||
	    setenv("LOGNAME", user->pw_name, 1) < 0)
		return -errno;
	return 0;
}

int user_leave_sudo(struct err *err)
{
	unsigned uid, gid;
	int code;

	if (geteuid() == 0 && given.known) {
		code = become_given();
		return code < 0 ? err_set(err, code, "cannot become user %u: %s", given.uid,
					  strerror(-code))
				: 0;
	}
	if (geteuid() != 0 || !read_id("SUDO_UID", &uid) || !read_id("SUDO_GID", &gid) || uid == 0)
		return 0;
	code = become(uid, gid);
	if (code < 0)
		return err_set(err, code,
			       "cannot run the program as user %u, who called sudo: %s; "
			       "--as-root runs it as root",
			       uid, strerror(-code));
	return 0;
}
