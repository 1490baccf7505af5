/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/blackhole.h"

#include "base/cleanup.h"
#include "base/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* The file is that of the network namespace of who opens it. */
#define TIMEOUT_FILE "/proc/sys/net/mptcp/blackhole_timeout"

enum { KERNELS = 3600, OURS = 1 };

/* From @was. @ret_is: what it is before. */
static int replace(unsigned was, unsigned now, uint64_t *ret_is)
{
	_cleanup_close_ int fd = -1;
	int err = numbers_read(TIMEOUT_FILE, ret_is, 1);

	if (err < 0 || *ret_is != was)
		return err;
	fd = open(TIMEOUT_FILE, O_WRONLY | O_CLOEXEC);
	return fd < 0 || dprintf(fd, "%u", now) < 0 ? -errno : 0;
}

int blackhole_shorten(void)
{
	uint64_t is = 0;
	int err = replace(KERNELS, OURS, &is);

	return err == 0 && is != KERNELS ? -ECANCELED : err;
}

int blackhole_restore(void)
{
	uint64_t is;

	return replace(OURS, KERNELS, &is);
}
