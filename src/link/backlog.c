/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/backlog.h"

#include "base/cleanup.h"

#include <fcntl.h>

/* The file is that of the network namespace of who opens it. */
#define BACKLOG_FILE "/proc/sys/net/ipv4/tcp_notsent_lowat"

int backlog_get(uint32_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen(BACKLOG_FILE, "re");

	if (!file)
		return -errno;
	return fscanf(file, "%u", ret) == 1 ? 0 : -EPROTO;
}

int backlog_set(uint32_t bytes)
{
	_cleanup_close_ int fd = open(BACKLOG_FILE, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%u", bytes) < 0)
		return -errno;
	return 0;
}

uint32_t backlog_for(uint64_t rate)
{
	uint64_t wanted = rate / 50, backlog = BACKLOG_MIN;

	while (backlog < wanted)
		backlog *= 2;
	return backlog < BACKLOG_UNLIMITED ? (uint32_t)backlog : BACKLOG_UNLIMITED;
}
