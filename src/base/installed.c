/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/installed.h"

#include "base/cleanup.h"

#include <string.h>

int installed_find(const char *name, char path[static PATH_MAX])
{
	const char *const places[] = {".", "kernel", RIVULET_LIBEXEC};
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (size <= 0)
		return -errno;
	self[size] = '\0';
	*strrchr(self, '/') = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		int length = places[i][0] == '/'
				     ? snprintf(path, PATH_MAX, "%s/%s", places[i], name)
				     : snprintf(path, PATH_MAX, "%s/%s/%s", self, places[i], name);

		if (length < PATH_MAX && access(path, F_OK) == 0)
			return 0;
	}
	return -ENOENT;
}
