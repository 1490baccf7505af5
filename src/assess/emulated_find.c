/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/emulated.h"

#include "base/cleanup.h"

#include <glob.h>
#include <string.h>
#include <sys/utsname.h>

#define CACHED "rivulet/device" /* where scripts/fetch-device-kernel puts one */

static bool in_path(const char *program)
{
	_cleanup_free_ char *path = strdup(getenv("PATH") ?: "/usr/bin:/bin");
	char *rest = path;

	for (char *folder; path && (folder = strsep(&rest, ":"));) {
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%s/%s", folder, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* The newest kernel below @root that has modules. */
static int find_below(const char *root, struct emulated_kernel *ret)
{
	char pattern[PATH_MAX];
	glob_t found = {0};
	int code = -ENOENT;

	snprintf(pattern, sizeof(pattern), "%s/boot/vmlinuz-*-amd64", root);
	if (glob(pattern, 0, NULL, &found) != 0)
		return -ENOENT;
	for (size_t i = found.gl_pathc; code < 0 && i-- > 0;) {
		const char *release = strstr(found.gl_pathv[i], "/vmlinuz-") + strlen("/vmlinuz-");

		snprintf(ret->image, sizeof(ret->image), "%s", found.gl_pathv[i]);
		snprintf(ret->modules, sizeof(ret->modules), "%s/lib/modules/%s/kernel", root,
			 release);
		if (access(ret->modules, X_OK) < 0)
			snprintf(ret->modules, sizeof(ret->modules), "%s/usr/lib/modules/%s/kernel",
				 root, release);
		if (access(ret->modules, X_OK) == 0)
			code = 0;
	}
	globfree(&found);
	return code;
}

static int find_kernel(struct emulated_kernel *ret)
{
	const char *told = getenv(EMULATED_KERNEL), *cache = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	char path[PATH_MAX];

	if (told)
		return find_below(told, ret);
	snprintf(path, sizeof(path), "%s%s/" CACHED,
		 cache  ? cache
		 : home ? home
			: "",
		 cache ? "" : "/.cache");
	return find_below(path, ret) == 0 ? 0 : find_below("", ret);
}

int emulated_find(struct emulated_kernel *ret, struct err *err)
{
	struct utsname name;

	if (uname(&name) == 0 && strcmp(name.machine, "x86_64") != 0)
		return err_set(err, -ENOTSUP, "such a device is emulated on x86_64 only");
	if (!in_path("qemu-system-x86_64"))
		return err_set(err, -ENOENT,
			       "there is no QEMU: install Debian's package qemu-system-x86");
	if (find_kernel(ret) < 0)
		return err_set(err, -ENOENT,
			       "there is no kernel of Debian's for it: unpack the package "
			       "linux-image-cloud-amd64's kernel (scripts/fetch-device-kernel "
			       "does; or `apt-get "
			       "download` it, and `dpkg -x` it into a folder that " EMULATED_KERNEL
			       " names)");
	return 0;
}
