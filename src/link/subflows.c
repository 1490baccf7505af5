/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/subflows.h"

#include "base/cleanup.h"

#include <linux/mptcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct own {
	uint32_t inode;
	bool seen, told;
};

static int look_for_own(const struct diag_socket *socket, void *data)
{
	struct own *own = data;

	if (socket->inode != own->inode)
		return 0;
	own->seen = true;
	own->told = socket->has_ulp; /* of one that listens kernels may say no more */
	return 0;
}

void subflows_open(struct subflows *subflows, struct nl *nl)
{
	const struct sockaddr_in loopback = {.sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	struct own own = {0};
	struct stat st;

	*subflows = (struct subflows){.nl = nl};
	if (!nl || fd < 0 || bind(fd, (const struct sockaddr *)&loopback, sizeof(loopback)) < 0 ||
	    listen(fd, 1) < 0 || fstat(fd, &st) < 0)
		return;
	own.inode = (uint32_t)st.st_ino;
	subflows->hidden =
		diag_dump_listening(nl, look_for_own, &own) == 0 && own.seen && !own.told;
}

void subflows_close(struct subflows *subflows)
{
	free(subflows->all);
	*subflows = (struct subflows){0};
}

static int add(const struct diag_connection *connection, void *data)
{
	struct subflows *subflows = data;

	if (!connection->inode)
		return 0;
	if (subflows->count == subflows->room) {
		unsigned room = subflows->room ? subflows->room * 2 : 64;
		struct subflows_connection *grown =
			reallocarray(subflows->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		subflows->all = grown;
		subflows->room = room;
	}
	subflows->all[subflows->count++] =
		(struct subflows_connection){connection->inode, connection->fallback};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct subflows_connection *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static void read_list(struct subflows *subflows)
{
	subflows->count = 0;
	subflows->listed = diag_dump_connections(subflows->nl, add, subflows) == 0;
	if (subflows->count > 0)
		qsort(subflows->all, subflows->count, sizeof(*subflows->all), compare);
}

struct visit {
	const struct subflows *subflows;
	diag_each each;
	void *data;
};

static int reveal(const struct diag_socket *socket, void *data)
{
	const struct visit *visit = data;
	const struct subflows *subflows = visit->subflows;
	const struct subflows_connection key = {.inode = socket->inode}, *found = NULL;
	struct diag_socket revealed = *socket;

	if (socket->inode && subflows->count > 0)
		found = bsearch(&key, subflows->all, subflows->count, sizeof(key), compare);
	revealed.mptcp = found != NULL;
	revealed.mptcp_flags = found && !found->fallback ? MPTCP_SUBFLOW_FLAG_MCAP_REM : 0;
	if (!found)
		revealed.doubt = subflows->listed ? DIAG_NOT_LISTED : DIAG_NOT_TOLD;
	return visit->each(&revealed, visit->data);
}

int subflows_dump(struct subflows *subflows, diag_each each, void *data)
{
	struct visit visit = {subflows, each, data};

	if (!subflows->hidden)
		return diag_dump(subflows->nl, each, data);
	read_list(subflows);
	return diag_dump(subflows->nl, reveal, &visit);
}
