/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/privilege.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static bool executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int privilege_find(const char *program, char *ret, size_t size)
{
	const char *folders = getenv("PATH");

	if (strchr(program, '/')) {
		if ((size_t)snprintf(ret, size, "%s", program) >= size)
			return -ENAMETOOLONG;
		return executable(ret) ? 0 : -ENOENT;
	}
	if (!folders)
		folders = "/bin:/usr/bin";
	for (;;) {
		size_t length = strcspn(folders, ":");
		int written = snprintf(ret, size, "%.*s%s%s", (int)length, folders,
				       length > 0 ? "/" : "", program);

		if (written >= 0 && (size_t)written < size && executable(ret))
			return 0;
		if (folders[length] == '\0')
			return -ENOENT;
		folders += length + 1;
	}
}

/* A script's own mode gives nothing: its interpreter is what is started. */
static bool script(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char start[2];

	return fd >= 0 && read(fd, start, sizeof(start)) == sizeof(start) &&
	       memcmp(start, "#!", sizeof(start)) == 0;
}

const char *privilege_of(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	if (stat(path, &st) < 0 || script(path))
		return NULL;
	if ((st.st_mode & S_ISUID) && st.st_uid != uid)
		return "set-user-ID";
	/* Without the right to execute for the group it means something else. */
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != gid)
		return "set-group-ID";
	if (getxattr(path, "security.capability", NULL, 0) > 0)
		return "a program with capabilities of its own";
	return NULL;
}

struct capabilities {
	struct __user_cap_header_struct self;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int read_capabilities(struct capabilities *ret)
{
	*ret = (struct capabilities){.self.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capget, &ret->self, ret->data) < 0 ? -errno : 0;
}

bool privilege_has(unsigned number)
{
	struct capabilities is;

	return read_capabilities(&is) == 0 &&
	       (is.data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number));
}

int privilege_keep(const unsigned *numbers, unsigned count, struct err *err)
{
	struct capabilities is, kept = {.self.version = _LINUX_CAPABILITY_VERSION_3};
	int code = read_capabilities(&is);

	if (code == 0) {
		for (unsigned i = 0; i < count; i++) {
			unsigned at = CAP_TO_INDEX(numbers[i]);

			kept.data[at].permitted |= is.data[at].permitted & CAP_TO_MASK(numbers[i]);
			kept.data[at].effective = kept.data[at].permitted;
		}
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_capset, &kept.self, kept.data) < 0)
			code = -errno;
	}
	return code < 0 ? err_set(err, code, "cannot give up capabilities: %s", strerror(-code))
			: 0;
}

bool privilege_taken(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 && !privilege_has(CAP_SYS_ADMIN);
}
