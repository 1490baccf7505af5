/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/code_folder.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>

#define PAGE 4096

/* Can what is mapped from files in @folder be run? */
static bool runs_code(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *page;

	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return false;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return false;
	munmap(page, PAGE);
	return true;
}

/* Memory first: what lies on a disk is written out now and then. */
int code_folder_find(const char **ret, struct err *err)
{
	const char *const places[] = {"/dev/shm", getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"),
				      "/tmp", "/var/tmp"};

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i] && runs_code(places[i])) {
			*ret = places[i];
			return 0;
		}
	return err_set(err, -EACCES,
		       "its memory needs a folder that is not mounted noexec: /dev/shm, /tmp, "
		       "/var/tmp or $TMPDIR; `mount -o remount,exec /dev/shm` (as root) makes one");
}
