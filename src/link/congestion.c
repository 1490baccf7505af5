/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/congestion.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <string.h>

void congestion_read(char ret[static CONGESTION_NAME_MAX])
{
	_cleanup_close_ int fd =
		open("/proc/sys/net/ipv4/tcp_congestion_control", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, ret, CONGESTION_NAME_MAX - 1);

	ret[size > 0 ? size : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}
