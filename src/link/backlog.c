/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/backlog.h"

#include "base/cleanup.h"

#include <fcntl.h>

/* The file is that of the network namespace of who opens it. */
#define BACKLOG_FILE "/proc/sys/net/ipv4/tcp_notsent_lowat"

int backlog_get(uint32_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen(BACKLOG_FILE, "re");
	char text[32], *end;
	unsigned long value;

	if (!file)
		return -errno;
	if (!fgets(text, sizeof(text), file))
		return -EPROTO;
	value = strtoul(text, &end, 10);
	if (end == text || value > UINT32_MAX)
		return -EPROTO;
	*ret = (uint32_t)value;
	return 0;
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
