/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/mounts.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define NAMES "/etc/hosts"

int mounts_separate(struct err *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, -errno, "mounts cannot be made private: %s", strerror(errno));
	return 0;
}

int mounts_proc(struct err *err)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_set(err, -errno, "/proc cannot be mounted: %s", strerror(errno));
	return 0;
}

/* The file lives in a file system of its own that is never visible under a name but for NAMES, so
 * it cannot be left behind. */
int mounts_names(const char *text, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int code = 0;

	if (mount("rivulet-lab", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755") < 0)
		return err_set(err, -errno, "no file system for %s: %s", NAMES, strerror(errno));
	fd = open("/tmp/hosts", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    mount("/tmp/hosts", NAMES, NULL, MS_BIND, NULL) < 0)
		code = err_set(err, -errno, "%s cannot be replaced: %s", NAMES, strerror(errno));
	umount2("/tmp", MNT_DETACH);
	return code;
}

int mounts_shared_memory(struct err *err)
{
	if (mount("rivulet-lab", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		return err_set(err, -errno, "/dev/shm cannot be mounted: %s", strerror(errno));
	return 0;
}

int mounts_sys(struct err *err)
{
	_cleanup_close_ int cgroup =
		(int)syscall(SYS_open_tree, AT_FDCWD, "/sys/fs/cgroup",
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_set(err, -errno, "/sys cannot be mounted: %s", strerror(errno));
	/* The new one hides what was mounted inside the old one. */
	if (cgroup >= 0)
		syscall(SYS_move_mount, cgroup, "", AT_FDCWD, "/sys/fs/cgroup",
			MOVE_MOUNT_F_EMPTY_PATH);
	return 0;
}
