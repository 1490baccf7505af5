/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/bound.h"

#include "base/clock.h"
#include "link/backlog.h"
#include "link/diag.h"

#define LOOK_EVERY NS_PER_S

static int saw(const struct diag_socket *socket, void *data)
{
	backlog_saw(data, socket);
	return 0;
}

/* 0: nobody knows, so there must be no bound. */
static uint32_t look(uint64_t now)
{
	_cleanup_nl_ struct nl *nl = NULL;
	struct backlog backlog = {0};

	backlog_look(&backlog);
	if (nl_open(&nl, NETLINK_SOCK_DIAG) < 0 || diag_dump(nl, saw, &backlog) < 0)
		return 0;
	backlog_looked(&backlog, now, true);
	return backlog.bytes;
}

uint32_t bound_look(struct bound *bound, uint64_t now)
{
	uint32_t needed;

	bound->at = UINT64_MAX;
	if (!bound->asked || bound->trusted)
		return bound->asked;
	bound->at = now + LOOK_EVERY;
	needed = look(now);
	return needed && needed < bound->asked ? bound->asked : needed;
}
