/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/folder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Anybody may have made what is there: it must be a real folder, ours, and closed to others. */
static int make(const char *path)
{
	struct stat st;
	int err;

	/* Whoever leaves it may remove it between these two. */
	do {
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		err = lstat(path, &st) < 0 ? -errno : 0;
	} while (err == -ENOENT);
	if (err < 0)
		return err;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

static int make_in(char path[static PATH_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int make_in(char path[static PATH_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	return make(path);
}

/* The environment of who starts rivulet-net has no say over where that writes. */
int folder_find(char path[static PATH_MAX])
{
	const char *told = secure_getenv("RIVULET_STATE");
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	int err;

	if (told && told[0] == '/')
		return make_in(path, "%s", told);
	err = make_in(path, "/run/rivulet");
	if (err < 0 && runtime && runtime[0] == '/')
		err = make_in(path, "%s/rivulet", runtime);
	if (err < 0)
		err = make_in(path, "/run/user/%u/rivulet", geteuid());
	if (err < 0)
		err = make_in(path, "/tmp/rivulet-%u", geteuid());
	return err;
}

void folder_leave(const char *path)
{
	if (rmdir(path) < 0)
		return; /* others use it still */
}
