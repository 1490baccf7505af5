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

#define WAITS      60000 /* us that data may wait in a socket that is alone */
#define SPARE      25000 /* us: the kernel deals out 64 KB at a time */
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
	backlog->connection_count = 0;
}

static bool stays_here(const struct diag_socket *socket)
{
	return address_is_loopback(&socket->remote) ||
	       address_equal(&socket->local, &socket->remote);
}

/* Bytes of @us at @rate bytes/s. */
static uint64_t carried(uint64_t rate, uint64_t us)
{
	uint64_t product;

	return (__builtin_mul_overflow(rate, us, &product) ? UINT64_MAX : product) / 1000000;
}

static void at_least(uint64_t *value, uint64_t to)
{
	if (to > *value)
		*value = to;
}

void backlog_add(struct backlog_connection *connection, uint64_t rate, uint32_t rtt_min,
		 uint32_t rtt_var)
{
	uint64_t time = (uint64_t)rtt_min * 3 / 2 + 2 * (uint64_t)rtt_var + SPARE;

	connection->flows++;
	at_least(&connection->alone, carried(rate, 2 * (uint64_t)rtt_min + WAITS));
	at_least(&connection->least, carried(rate, time));
	at_least(&connection->time, time);
	if (__builtin_add_overflow(connection->rate, rate, &connection->rate))
		connection->rate = UINT64_MAX;
}

uint64_t backlog_together(const struct backlog_connection *connection)
{
	return carried(connection->rate, connection->time);
}

static uint64_t need_of(const struct backlog_connection *connection)
{
	uint64_t each;

	if (connection->flows == 1)
		return connection->alone;
	each = backlog_together(connection) / connection->flows;
	return each > connection->least ? each : connection->least;
}

/* NULL: it is no subflow, or there are too many. */
static struct backlog_connection *connection_of(struct backlog *backlog, uint32_t inode)
{
	struct backlog_connection *all = backlog->connections;
	unsigned i = 0;

	if (!inode)
		return NULL;
	while (i < backlog->connection_count && all[i].inode != inode)
		i++;
	if (i == BACKLOG_CONNECTIONS)
		return NULL;
	if (i == backlog->connection_count)
		all[backlog->connection_count++] = (struct backlog_connection){.inode = inode};
	return &all[i];
}

void backlog_saw(struct backlog *backlog, const struct diag_socket *socket)
{
	struct backlog_connection *connection, alone = {0};

	if (socket->state != DIAG_ESTABLISHED || !socket->unacked || stays_here(socket))
		return;
	connection = connection_of(backlog, socket->mptcp ? socket->inode : 0);
	if (!connection)
		connection = &alone;
	backlog_add(connection, socket->delivery_rate, socket->rtt_min, socket->rtt_var);
	if (connection == &alone)
		at_least(&backlog->need, need_of(connection));
}

/* In steps, so that it does not follow every change: powers of two, and three between two of them. */
static uint32_t step(uint64_t need)
{
	uint64_t bytes = BACKLOG_MIN;

	while (bytes < need && bytes <= UINT32_MAX / 4) {
		for (unsigned quarters = 1; quarters < 4; quarters++)
			if (bytes + bytes / 4 * quarters >= need)
				return (uint32_t)(bytes + bytes / 4 * quarters);
		bytes *= 2;
	}
	return (uint32_t)bytes;
}

bool backlog_looked(struct backlog *backlog, uint64_t now, bool wanted)
{
	bool bounded = backlog->bytes > 0;
	uint32_t bytes;

	for (unsigned i = 0; i < backlog->connection_count; i++)
		at_least(&backlog->need, need_of(&backlog->connections[i]));
	bytes = wanted ? step(backlog->need) : 0;

	/* Rates are estimates, and a pause is not an end. */
	if (bounded && bytes < backlog->bytes && now - backlog->at < LOWER_LATE)
		return false;
	backlog->at = now;
	if (bytes == backlog->bytes)
		return false;
	backlog->bytes = bytes;
	return true;
}
