/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/journal_file.h"

#include "base/cleanup.h"
#include "base/folder.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TRIES 10

static uint64_t inode_of_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

#ifndef SO_NETNS_COOKIE /* since 5.14 */
#define SO_NETNS_COOKIE 71
#endif

/* Names a network namespace; unlike its inode this number is never used again. */
static uint64_t namespace_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return inode_of_namespace();
	return cookie;
}

/* Locks the file at @path; another run may be removing it at this moment: then it is made anew. */
static int open_locked(const char *path, size_t size)
{
	for (;;) {
		_cleanup_close_ int fd =
			open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat st;

		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
			return -errno;
		if (st.st_nlink > 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid()) {
			/* All of it is there from now on: where the disk is full, to write into what is mapped would end us. */
			int err = posix_fallocate(fd, 0, (off_t)size);

			return err ? -err : steal_fd(&fd);
		}
		if (st.st_nlink > 0)
			return -EPERM;
	}
}

static int open_there(struct journal_file *file, size_t size)
{
	char folder[PATH_MAX];
	int code = folder_find(folder);

	if (code < 0)
		return code;
	if (asprintf(&file->path, "%s/" JOURNAL_NAME "%" PRIu64 "-%" PRIu64, folder,
		     namespace_cookie(), inode_of_namespace()) < 0) {
		file->path = NULL;
		return -ENOMEM;
	}
	file->fd = open_locked(file->path, size);
	if (file->fd >= 0)
		return 0;
	code = file->fd;
	free(file->path);
	*file = JOURNAL_FILE_NONE;
	return code;
}

void journal_file_open(struct journal_file *file, size_t size)
{
	int code = -ENOENT;

	*file = JOURNAL_FILE_NONE;
	/* A run that ends takes the folder with it, between our finding and our using it, too. */
	for (unsigned i = 0; i < TRIES && code == -ENOENT; i++)
		code = open_there(file, size);
}

void journal_file_close(struct journal_file *file)
{
	close_fd(file->fd);
	free(file->path);
	*file = JOURNAL_FILE_NONE;
}

void journal_file_lock(const struct journal_file *file)
{
	while (file->fd >= 0 && flock(file->fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

void journal_file_unlock(const struct journal_file *file)
{
	if (file->fd >= 0)
		flock(file->fd, LOCK_UN);
}

void journal_file_remove(const struct journal_file *file)
{
	char folder[PATH_MAX];

	if (!file->path)
		return;
	snprintf(folder, sizeof(folder), "%s", file->path);
	*strrchr(folder, '/') = '\0';
	unlink(file->path);
	folder_leave(folder);
}
