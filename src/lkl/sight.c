/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/sight.h"

#include "base/cleanup.h"
#include "lkl/tally.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct pass {
	struct ledger *ledger;
	struct stack_subflow *seen;
	unsigned count, most, left_out;
};

static int saw(const struct diag_socket *socket, void *data)
{
	struct pass *pass = data;

	tally_saw(pass->ledger, socket);
	/* One of plain TCP that connects asks whether a link is alive (paths.h), or will be seen soon. */
	if (!socket->inode || socket->state == DIAG_LISTEN || socket->state == DIAG_CLOSE ||
	    (!socket->mptcp && socket->state == DIAG_SYN_SENT))
		return 0;
	if (pass->count == pass->most) {
		pass->left_out++;
		return 0;
	}
	pass->seen[pass->count++] =
		(struct stack_subflow){.socket = *socket, .fallback = !socket->mptcp};
	return 0;
}

static uint64_t more_than(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

/* What the subflows that there are do not account for went over those that are gone. */
static int saw_connection(const struct diag_connection *connection, void *data)
{
	struct pass *pass = data;
	struct stack_subflow *first = NULL;
	uint64_t sent = 0, received = 0;

	for (unsigned i = 0; i < pass->count; i++) {
		struct stack_subflow *one = &pass->seen[i];

		if (one->socket.inode != connection->inode)
			continue;
		sent += one->socket.bytes_acked;
		received += one->socket.bytes_received;
		first = first ? first : one;
	}
	for (struct stack_subflow *one = first; one && one < pass->seen + pass->count; one++) {
		if (one->socket.inode != connection->inode)
			continue;
		one->fallback = connection->fallback;
		one->sent = more_than(connection->sent, sent);
		one->received = more_than(connection->received, received);
	}
	return 0;
}

/* Memory that has @size bytes of @data in it. */
static int put_into_memory(const void *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("rivulet-lkl", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -ENOMEM;
	return steal_fd(&fd);
}

int sight_take(const struct network *network, struct nl *diag, struct ledger *ledger, unsigned most,
	       struct lkl_sight *ret)
{
	_cleanup_free_ struct stack_subflow *seen = calloc(most + 1, sizeof(*seen));
	struct pass pass = {.ledger = ledger, .seen = seen, .most = most};
	int code;

	if (!seen)
		return -ENOMEM;
	ledger_look(ledger);
	code = diag_dump(diag, saw, &pass);
	if (code == 0)
		tally_looked(ledger, diag);
	if (code == 0)
		code = diag_dump_connections(diag, saw_connection, &pass);
	if (code < 0)
		return code;
	*ret = (struct lkl_sight){
		.count = pass.count, .left_out = pass.left_out, .sum = ledger_sum(ledger)};
	memcpy(ret->use, network->use, sizeof(ret->use));
	return put_into_memory(seen, pass.count * sizeof(*seen));
}
