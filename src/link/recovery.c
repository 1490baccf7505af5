/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/recovery.h"

#include "base/cleanup.h"
#include "base/numbers.h"

#include <fcntl.h>
#include <stdio.h>

/* The file is that of the network namespace of who opens it. */
#define RECOVERY_FILE "/proc/sys/net/ipv4/tcp_rto_min_us"

int recovery_get(uint32_t *ret)
{
	uint64_t value;
	int err = numbers_read(RECOVERY_FILE, &value, 1);

	if (err == 0)
		*ret = (uint32_t)value;
	return err;
}

int recovery_set(uint32_t least)
{
	_cleanup_close_ int fd = open(RECOVERY_FILE, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%u", least) < 0)
		return errno == EACCES || errno == EROFS ? 1 : -errno;
	return 0;
}
