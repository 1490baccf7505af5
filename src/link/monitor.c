/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/monitor.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MIN (80 * NS_PER_MS)
#define PATIENCE_MAX (4 * NS_PER_S)
#define STRIKES_MAX  5 /* doublings of the patience */
#define STRIKE_SOON  (2 * NS_PER_S)
#define STRIKE_FADES (60 * NS_PER_S)
#define RECENTLY     (2 * NS_PER_S) /* data that came longer ago than this says nothing of now */
#define PROBE_SOON   (100 * NS_PER_MS)
#define PROBE_FIRST  NS_PER_S
#define PROBE_LAST   (8 * NS_PER_S)
#define PROBE_STEADY 30 /* probes at the first interval */

struct flow {
	struct monitor_flow is; /* as last seen */
	uint64_t acked_at;      /* when something was last acknowledged, or began to wait */
	uint64_t received_at;   /* when data last came; 0: never */
	bool seen;              /* in this look */
};

struct connection {
	uint32_t inode;
	uint64_t received_to;
	uint64_t advanced_at; /* when that last grew */
	bool seen;
};

struct path {
	unsigned link;
	bool out, answered;
	uint64_t known_at;  /* when it was first seen, or put back in */
	uint64_t moved_at;  /* when any of its subflows last moved */
	uint64_t out_at;    /* when its silence was found */
	uint64_t probed_at; /* last; at first out_at */
	unsigned probes;
	unsigned strikes;
	uint64_t struck_at;
};

struct monitor {
	uint64_t now;
	struct flow *flows; /* by cookie, rising */
	unsigned flow_count, flow_room;
	struct connection *connections; /* by inode, rising */
	unsigned connection_count, connection_room;
	struct path *paths;
	unsigned path_count;
};

struct monitor *monitor_new(void)
{
	return calloc(1, sizeof(struct monitor));
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

/* Sorted arrays, searched by halving: index of the first element that is not below the key. */
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

static unsigned connection_place(const struct monitor *m, uint32_t inode)
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

static struct path *path_find(const struct monitor *m, unsigned link)
{
	for (unsigned i = 0; i < m->path_count; i++)
		if (m->paths[i].link == link)
			return &m->paths[i];
	return NULL;
}

static struct path *path_get(struct monitor *m, unsigned link)
{
	struct path *path = path_find(m, link), *grown;

	if (path)
		return path;
	grown = reallocarray(m->paths, m->path_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	m->paths = grown;
	path = &m->paths[m->path_count++];
	*path = (struct path){.link = link, .known_at = m->now};
	return path;
}

void monitor_look(struct monitor *m, uint64_t now)
{
	m->now = now;
	for (unsigned i = 0; i < m->flow_count; i++)
		m->flows[i].seen = false;
	for (unsigned i = 0; i < m->connection_count; i++)
		m->connections[i].seen = false;
}

static struct flow *flow_get(struct monitor *m, const struct monitor_flow *is)
{
	unsigned at = flow_place(m, is->cookie);

	if (at < m->flow_count && m->flows[at].is.cookie == is->cookie)
		return &m->flows[at];
	if (!make_room((void **)&m->flows, m->flow_count, &m->flow_room, sizeof(*m->flows)))
		return NULL;
	memmove(&m->flows[at + 1], &m->flows[at], (m->flow_count - at) * sizeof(*m->flows));
	m->flow_count++;
	m->flows[at] = (struct flow){.is = *is, .acked_at = m->now};
	return &m->flows[at];
}

int monitor_saw(struct monitor *m, const struct monitor_flow *is)
{
	struct path *path;
	uint32_t connection;
	struct flow *flow;
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
	if (moved || (is->established && !flow->is.established))
		path->moved_at = m->now;
	/* When the program has closed its socket, what it sent is still to be delivered. */
	connection = is->connection ? is->connection : flow->is.connection;
	flow->is = *is;
	flow->is.connection = connection;
	flow->seen = true;
	return 0;
}

void monitor_saw_connection(struct monitor *m, uint32_t inode, uint64_t received_to)
{
	unsigned at = connection_place(m, inode);

	if (at == m->connection_count || m->connections[at].inode != inode) {
		if (!make_room((void **)&m->connections, m->connection_count, &m->connection_room,
			       sizeof(*m->connections)))
			return;
		memmove(&m->connections[at + 1], &m->connections[at],
			(m->connection_count - at) * sizeof(*m->connections));
		m->connection_count++;
		m->connections[at] = (struct connection){.inode = inode, .advanced_at = m->now};
	}
	if (m->connections[at].received_to != received_to)
		m->connections[at].advanced_at = m->now;
	m->connections[at].received_to = received_to;
	m->connections[at].seen = true;
}

static void drop_unseen(struct monitor *m)
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

static uint64_t patience(const struct path *path, const struct flow *flow)
{
	uint64_t wait = (uint64_t)flow->is.rtt * NS_PER_US * 3 / 2;

	if (wait < PATIENCE_MIN)
		wait = PATIENCE_MIN;
	wait <<= path->strikes;
	return wait < PATIENCE_MAX ? wait : PATIENCE_MAX;
}

static bool is_silent_sending(const struct monitor *m, const struct flow *flow, uint64_t wait)
{
	return flow->is.in_flight && m->now - flow->acked_at >= wait;
}

/* When its connection last could deliver something in order; now, where that is not known. */
static uint64_t advanced_at(const struct monitor *m, const struct flow *flow)
{
	unsigned at = connection_place(m, flow->is.connection);

	if (at < m->connection_count && m->connections[at].inode == flow->is.connection)
		return m->connections[at].advanced_at;
	return m->now;
}

static bool is_silent_receiving(const struct monitor *m, const struct flow *flow, uint64_t wait)
{
	uint64_t silence = m->now - flow->received_at;

	return flow->received_at && silence >= wait && silence < RECENTLY &&
	       m->now - advanced_at(m, flow) >= wait / 2;
}

/* Does another link carry the connection on? For one that receives that means: data has come over
 * it since. */
static bool has_other_path(const struct monitor *m, const struct flow *silent, bool receiving)
{
	for (unsigned i = 0; i < m->flow_count; i++) {
		const struct flow *flow = &m->flows[i];
		const struct path *path = path_find(m, flow->is.link);

		if (flow->is.connection != silent->is.connection ||
		    flow->is.link == silent->is.link || !flow->is.established || !path ||
		    path->out || is_silent_sending(m, flow, patience(path, flow)))
			continue;
		if (!receiving || (flow->received_at > silent->received_at &&
				   flow->received_at > advanced_at(m, silent)))
			return true;
	}
	return false;
}

static uint64_t last_sign(const struct path *path)
{
	return path->moved_at > path->known_at ? path->moved_at : path->known_at;
}

static bool condemns(const struct monitor *m, const struct path *path, const struct flow *flow)
{
	uint64_t wait = patience(path, flow);

	if (flow->is.link != path->link || !flow->is.established || !flow->is.connection ||
	    m->now - last_sign(path) < wait)
		return false;
	if (is_silent_sending(m, flow, wait))
		return has_other_path(m, flow, false);
	return is_silent_receiving(m, flow, wait) && has_other_path(m, flow, true);
}

static void judge_in(struct monitor *m, struct path *path, monitor_act act, void *data)
{
	if (path->strikes && m->now - path->struck_at >= STRIKE_FADES) {
		path->strikes--;
		path->struck_at = m->now;
	}
	for (unsigned i = 0; i < m->flow_count; i++) {
		if (!condemns(m, path, &m->flows[i]))
			continue;
		path->out = true;
		path->answered = false;
		path->out_at = path->probed_at = m->now;
		path->probes = 0;
		act(path->link, MONITOR_TAKE_OUT, data);
		return;
	}
}

static uint64_t probe_interval(const struct path *path)
{
	uint64_t interval = path->probes == 0 ? PROBE_SOON : PROBE_FIRST;

	for (unsigned i = PROBE_STEADY; i < path->probes && interval < PROBE_LAST; i++)
		interval *= 2;
	return interval;
}

static void judge_out(struct monitor *m, struct path *path, monitor_act act, void *data)
{
	if (path->answered || m->flow_count == 0) {
		path->out = false;
		path->known_at = m->now;
		/* Alive so soon: it was a pause, not a death. */
		if (path->answered && m->now - path->out_at < STRIKE_SOON &&
		    path->strikes < STRIKES_MAX) {
			path->strikes++;
			path->struck_at = m->now;
		}
		act(path->link, MONITOR_PUT_IN, data);
	} else if (m->now - path->probed_at >= probe_interval(path)) {
		path->probed_at = m->now;
		path->probes++;
		act(path->link, MONITOR_PROBE, data);
	}
}

void monitor_looked(struct monitor *m, monitor_act act, void *data)
{
	drop_unseen(m);
	for (unsigned i = 0; i < m->path_count; i++) {
		if (m->paths[i].out)
			judge_out(m, &m->paths[i], act, data);
		else
			judge_in(m, &m->paths[i], act, data);
	}
}

void monitor_answered(struct monitor *m, unsigned link)
{
	struct path *path = path_find(m, link);

	if (path && path->out)
		path->answered = true;
}

uint64_t monitor_moved_at(const struct monitor *m, unsigned link)
{
	const struct path *path = path_find(m, link);

	return path ? path->moved_at : 0;
}

/* Does the connection of @flow send over another subflow as well? */
static bool sends_elsewhere(const struct monitor *m, const struct flow *flow)
{
	for (unsigned i = 0; i < m->flow_count; i++) {
		const struct monitor_flow *other = &m->flows[i].is;

		if (other != &flow->is && other->connection == flow->is.connection &&
		    other->established && other->in_flight)
			return true;
	}
	return false;
}

bool monitor_sends_over_several(const struct monitor *m)
{
	/* Beyond a hundred subflows nobody waits for one of them. */
	for (unsigned i = 0; i < m->flow_count && m->flow_count <= 100; i++) {
		const struct flow *flow = &m->flows[i];

		if (flow->is.connection && flow->is.established && flow->is.in_flight &&
		    sends_elsewhere(m, flow))
			return true;
	}
	return false;
}

bool monitor_is_watching(const struct monitor *m)
{
	for (unsigned i = 0; i < m->path_count; i++)
		if (m->paths[i].out)
			return true;
	for (unsigned i = 1; i < m->flow_count; i++)
		if (m->flows[i].is.link != m->flows[0].is.link)
			return true;
	return false;
}

void monitor_forget(struct monitor *m, unsigned link)
{
	struct path *path = path_find(m, link);

	if (path)
		*path = m->paths[--m->path_count];
}
