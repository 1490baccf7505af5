/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted arrays, searched by halving: there are few subflows, and all are looked at each time. */
#include "link/monitor_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LATE (25 * NS_PER_MS)

struct monitor *monitor_new(void)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	if (monitor)
		monitor->quiet = true;
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	free(monitor->flows);
	free(monitor->connections);
	free(monitor->paths);
	free(monitor);
}

/* Index of the first element that is not below the key. */
static unsigned flow_place(const struct monitor *m, uint64_t cookie)
{
	unsigned low = 0, high = m->flow_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (m->flows[middle].is.cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

unsigned monitor_connection_place(const struct monitor *m, uint32_t inode)
{
	unsigned low = 0, high = m->connection_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (m->connections[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Room for one element more in a growing array; false without memory. */
static bool make_room(void **array, unsigned count, unsigned *room, size_t size)
{
	unsigned wanted = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return false;
	*array = grown;
	*room = wanted;
	return true;
}

struct monitor_path *monitor_path_find(const struct monitor *m, unsigned link)
{
	for (unsigned i = 0; i < m->path_count; i++)
		if (m->paths[i].link == link)
			return &m->paths[i];
	return NULL;
}

static struct monitor_path *path_get(struct monitor *m, unsigned link)
{
	struct monitor_path *path = monitor_path_find(m, link), *grown;

	if (path)
		return path;
	grown = reallocarray(m->paths, m->path_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	m->paths = grown;
	path = &m->paths[m->path_count++];
	*path = (struct monitor_path){.link = link, .known_at = m->now};
	return path;
}

/* Nobody waited meanwhile. */
static void leave_out(struct monitor *m, uint64_t time)
{
	for (unsigned i = 0; i < m->flow_count; i++) {
		m->flows[i].acked_at += time;
		if (m->flows[i].received_at)
			m->flows[i].received_at += time;
	}
	for (unsigned i = 0; i < m->connection_count; i++)
		m->connections[i].advanced_at += time;
}

void monitor_look(struct monitor *m, uint64_t now, uint64_t late)
{
	bool is_late = late >= LATE && late <= now - m->now;

	if (is_late && !m->was_late)
		leave_out(m, late);
	m->was_late = is_late;
	m->now = now;
	for (unsigned i = 0; i < m->flow_count; i++)
		m->flows[i].seen = false;
	for (unsigned i = 0; i < m->connection_count; i++)
		m->connections[i].seen = false;
}

static struct monitor_seen_flow *flow_get(struct monitor *m, const struct monitor_flow *is)
{
	unsigned at = flow_place(m, is->cookie);

	if (at < m->flow_count && m->flows[at].is.cookie == is->cookie)
		return &m->flows[at];
	if (!make_room((void **)&m->flows, m->flow_count, &m->flow_room, sizeof(*m->flows)))
		return NULL;
	memmove(&m->flows[at + 1], &m->flows[at], (m->flow_count - at) * sizeof(*m->flows));
	m->flow_count++;
	m->flows[at] =
		(struct monitor_seen_flow){.is = *is, .acked_at = m->now, .moved_at = m->now};
	return &m->flows[at];
}

int monitor_saw(struct monitor *m, const struct monitor_flow *is)
{
	struct monitor_path *path;
	uint32_t connection;
	struct monitor_seen_flow *flow;
	bool moved;

	if (is->link == 0)
		return 0;
	path = path_get(m, is->link);
	flow = flow_get(m, is);
	if (!path || !flow)
		return -ENOMEM;
	moved = is->acked > flow->is.acked || is->received > flow->is.received;
	if (is->acked > flow->is.acked || !flow->is.in_flight || !is->in_flight)
		flow->acked_at = m->now;
	if (is->received > flow->is.received)
		flow->received_at = m->now;
	if (moved)
		m->moved += is->acked - flow->is.acked + is->received - flow->is.received;
	if (moved)
		flow->moved_at = m->now;
	if (moved || (is->established && !flow->is.established)) {
		path->moved_at = m->now;
		path->busy = !m->quiet;
		path->answered_still = false;
	}
	/* When the program has closed its socket, what it sent is still to be delivered. */
	connection = is->connection ? is->connection : flow->is.connection;
	flow->is = *is;
	flow->is.connection = connection;
	flow->seen = true;
	return 0;
}

void monitor_saw_connection(struct monitor *m, uint32_t inode, uint64_t received_to)
{
	unsigned at = monitor_connection_place(m, inode);

	if (at == m->connection_count || m->connections[at].inode != inode) {
		if (!make_room((void **)&m->connections, m->connection_count, &m->connection_room,
			       sizeof(*m->connections)))
			return;
		memmove(&m->connections[at + 1], &m->connections[at],
			(m->connection_count - at) * sizeof(*m->connections));
		m->connection_count++;
		m->connections[at] =
			(struct monitor_connection){.inode = inode, .advanced_at = m->now};
	}
	if (m->connections[at].received_to != received_to)
		m->connections[at].advanced_at = m->now;
	m->connections[at].received_to = received_to;
	m->connections[at].seen = true;
}

void monitor_drop_unseen(struct monitor *m)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->flow_count; i++)
		if (m->flows[i].seen)
			m->flows[kept++] = m->flows[i];
	m->flow_count = kept;
	kept = 0;
	for (unsigned i = 0; i < m->connection_count; i++)
		if (m->connections[i].seen)
			m->connections[kept++] = m->connections[i];
	m->connection_count = kept;
}
