/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor has seen (monitor_seen.c), and concludes from (monitor.c). */
#pragma once

#include "link/monitor.h"

struct monitor_seen_flow {
	struct monitor_flow is; /* as last seen */
	uint64_t acked_at;      /* when something was last acknowledged, or began to wait */
	uint64_t moved_at;      /* when data last went either way, or it was first seen */
	uint64_t received_at;   /* when data last came; 0: never */
	bool seen;              /* in this look */
};

struct monitor_connection {
	uint32_t inode;
	uint64_t received_to;
	uint64_t advanced_at; /* when that last grew */
	bool seen;
};

struct monitor_path {
	unsigned link;
	bool out, answered;
	bool asked;           /* whether it is back; it is not out */
	bool busy;            /* many bytes moved when one last did */
	bool answered_still;  /* and nothing has moved since */
	bool rests;           /* it answers, and is out */
	uint64_t rests_until; /* at the latest */
	uint64_t known_at;    /* when it was first seen, or put back in */
	uint64_t moved_at;    /* when any of its subflows last moved */
	uint64_t out_at;      /* when its silence was found */
	uint64_t probed_at;   /* last; at first out_at */
	unsigned probes;
	unsigned strikes;
	uint64_t struck_at;
};

struct monitor {
	uint64_t now;
	uint64_t second_at; /* when the second began in which @moved bytes have moved */
	uint64_t moved;
	bool quiet;                      /* few do */
	bool was_late;                   /* the last look */
	struct monitor_seen_flow *flows; /* by cookie, rising */
	unsigned flow_count, flow_room;
	struct monitor_connection *connections; /* by inode, rising */
	unsigned connection_count, connection_room;
	struct monitor_path *paths;
	unsigned path_count;
};

/* NULL: it was never seen. */
struct monitor_path *monitor_path_find(const struct monitor *monitor, unsigned link);
/* The place of the connection, or where it would be, rising by inode. */
unsigned monitor_connection_place(const struct monitor *monitor, uint32_t inode);
/* What the look did not show is gone. */
void monitor_drop_unseen(struct monitor *monitor);
