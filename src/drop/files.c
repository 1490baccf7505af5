/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/files.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

int files_make_folder(const char *folder)
{
	char path[PATH_MAX];
	size_t size = strlen(folder);

	if (size == 0 || size >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, folder, size + 1);
	for (char *c = path + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*c = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int files_sync_folder(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int files_write_at(int fd, const void *data, size_t size, size_t offset)
{
	const uint8_t *at = data;

	while (size) {
		ssize_t written = pwrite(fd, at, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		offset += (size_t)written;
		size -= (size_t)written;
	}
	return 0;
}

int files_read_at(int fd, void *data, size_t size, size_t offset)
{
	uint8_t *at = data;

	while (size) {
		ssize_t got = pread(fd, at, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		at += got;
		offset += (size_t)got;
		size -= (size_t)got;
	}
	return 0;
}

int files_write(const char *folder, const char *name, const void *data, size_t size)
{
	char path[PATH_MAX], making[PATH_MAX];
	_cleanup_close_ int fd = -1;
	int err;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
	    snprintf(making, sizeof(making), "%s/.%s.%d", folder, name, (int)getpid()) >=
		    (int)sizeof(making))
		return -ENAMETOOLONG;
	fd = open(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = files_write_at(fd, data, size, 0);
	if (err == 0 && (fsync(fd) < 0 || rename(making, path) < 0))
		err = -errno;
	if (err < 0) {
		unlink(making);
		return err;
	}
	return files_sync_folder(folder);
}
