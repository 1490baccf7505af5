/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder of a machine, in that of all the user's runs. Whose it is holds a lock on it. So one that was left by a run that was
 * killed is known from one that is in use, whatever PID namespaces the two are in, and the next machine removes it.
 */
#include "base/cleanup.h"
#include "base/folder.h"
#include "run/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PREFIX "machine-"
#define TRIES  8

/* Without waiting: the folder, with its lock; -1: it is in use, or gone. */
static int take(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0)
		return -1;
	return steal_fd(&fd);
}

/* The kernel has a folder in there, with two files, which it leaves when it crashes or is killed. */
static void remove_all(const char *path)
{
	static const char *const names[] = {"pid", "mconsole"};
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char file[NAME_MAX + 16];

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
			snprintf(file, sizeof(file), "%s/%s", entry->d_name, names[i]);
			unlinkat(dirfd(folder), file, 0);
		}
		unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

static void remove_left(const char *runs)
{
	DIR *folder = opendir(runs);
	const struct dirent *entry;
	char path[PATH_MAX];

	while (folder && (entry = readdir(folder))) {
		_cleanup_close_ int left = -1;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    snprintf(path, sizeof(path), "%s/%s", runs, entry->d_name) >= (int)sizeof(path))
			continue;
		left = take(path);
		if (left >= 0)
			remove_all(path);
	}
	if (folder)
		closedir(folder);
}

static int make(struct inside *inside, struct err *err)
{
	int code = folder_find(inside->folder);

	if (code < 0)
		return err_set(err, code, "there is no folder for a machine (/run/user, /tmp): %s",
			       strerror(-code));
	if (snprintf(inside->own_folder, sizeof(inside->own_folder), "%s/" PREFIX "XXXXXX",
		     inside->folder) >= (int)sizeof(inside->own_folder))
		return err_set(err, -ENAMETOOLONG, "%s is too long", inside->folder);
	return mkdtemp(inside->own_folder) ? 0
					   : err_set(err, -errno, "cannot make %s: %s",
						     inside->own_folder, strerror(errno));
}

int inside_folder_make(struct inside *inside, struct err *err)
{
	int code = -ENOENT;

	/* Before it has its lock, another machine may remove it. */
	for (unsigned i = 0; i < TRIES && code == -ENOENT; i++) {
		code = make(inside, err);
		inside->lock = code < 0 ? -1 : take(inside->own_folder);
		if (code == 0 && inside->lock < 0)
			code = err_set(err, -ENOENT, "%s cannot be used", inside->own_folder);
	}
	if (code == 0)
		remove_left(inside->folder);
	return code;
}

void inside_folder_remove(struct inside *inside)
{
	if (inside->lock >= 0)
		remove_all(inside->own_folder);
	inside->lock = close_fd(inside->lock);
	folder_leave(inside->folder);
}
