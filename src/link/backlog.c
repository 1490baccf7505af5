/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/backlog.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/numbers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* The file is that of the network namespace of who opens it. */
#define BACKLOG_FILE "/proc/sys/net/ipv4/tcp_wmem"

#define WAITS      60000 /* us that data may wait in a socket */
#define LOWER_LATE (1 * NS_PER_S)

int backlog_get(uint32_t *ret)
{
	uint64_t values[3];
	int err = numbers_read(BACKLOG_FILE, values, 3);

	if (err < 0)
		return err;
	*ret = (uint32_t)values[2];
	return 0;
}

int backlog_set(uint32_t bytes)
{
	_cleanup_close_ int fd = -1;
	uint64_t values[3];
	int err = numbers_read(BACKLOG_FILE, values, 3);

	if (err < 0)
		return err;
	fd = open(BACKLOG_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%" PRIu64 " %" PRIu64 " %u", values[0], values[1], bytes) < 0)
		return -errno;
	return 0;
}

void backlog_look(struct backlog *backlog)
{
	backlog->need = 0;
}

static bool stays_here(const struct diag_socket *socket)
{
	return address_is_loopback(&socket->remote) ||
	       address_equal(&socket->local, &socket->remote);
}

void backlog_saw(struct backlog *backlog, const struct diag_socket *socket)
{
	uint64_t time = 2 * (uint64_t)socket->rtt_min + WAITS, need;

	if (socket->state != DIAG_ESTABLISHED || !socket->unacked || stays_here(socket))
		return;
	if (__builtin_mul_overflow(socket->delivery_rate, time, &need))
		need = UINT64_MAX;
	if (need / 1000000 > backlog->need)
		backlog->need = need / 1000000;
}

/* In steps, so that it does not follow every change: powers of two and what is half-way. */
static uint32_t step(uint64_t need)
{
	uint64_t bytes = BACKLOG_MIN;

	while (bytes < need && bytes <= UINT32_MAX / 4) {
		if (bytes + bytes / 2 >= need)
			return (uint32_t)(bytes + bytes / 2);
		bytes *= 2;
	}
	return (uint32_t)bytes;
}

bool backlog_looked(struct backlog *backlog, uint64_t now, bool wanted)
{
	uint32_t bytes = wanted ? step(backlog->need) : 0;
	bool bounded = backlog->bytes > 0;

	/* Rates are estimates, and a pause is not an end. */
	if (bounded && bytes < backlog->bytes && now - backlog->at < LOWER_LATE)
		return false;
	backlog->at = now;
	if (bytes == backlog->bytes)
		return false;
	backlog->bytes = bytes;
	return true;
}
