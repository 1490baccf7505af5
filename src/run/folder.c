/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Anybody may have made what is there: it must be a real folder, ours, and closed to others. */
static int make(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

int folder_find(char path[static PATH_MAX])
{
	const char *told = getenv("RIVULET_STATE"), *runtime = getenv("XDG_RUNTIME_DIR");
	int err = -EACCES;

	if (told && told[0] == '/') {
		snprintf(path, PATH_MAX, "%s", told);
		return make(path);
	}

	if (geteuid() == 0) {
		snprintf(path, PATH_MAX, "/run/rivulet");
		err = make(path);
	}
	if (err < 0 && runtime && runtime[0] == '/') {
		snprintf(path, PATH_MAX, "%s/rivulet", runtime);
		err = make(path);
	}
	if (err < 0) {
		snprintf(path, PATH_MAX, "/tmp/rivulet-%u", geteuid());
		err = make(path);
	}
	return err;
}

void folder_leave(const char *path)
{
	if (rmdir(path) < 0)
		return; /* others use it still */
}
