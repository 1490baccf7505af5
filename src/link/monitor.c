/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/monitor_parts.h"

#include "base/clock.h"

#define PAUSE_WATCHING (15 * NS_PER_MS)
#define PATIENCE_MIN   (80 * NS_PER_MS)
#define PATIENCE_MAX   (4 * NS_PER_S)
#define STRIKES_MAX    5 /* doublings of the patience */
#define STRIKE_SOON    (2 * NS_PER_S)
#define STRIKE_FADES   (60 * NS_PER_S)
#define RECENTLY       (2 * NS_PER_S) /* data that came longer ago than this says nothing of now */
#define STILL          NS_PER_S       /* the peer's timeouts are no longer than that yet */
#define PROBE_SOON     (100 * NS_PER_MS)
#define PROBE_FIRST    NS_PER_S
#define PROBE_LAST     (8 * NS_PER_S)
#define PROBE_STEADY   30 /* probes at the first interval */
#define REST_FIRST     (3 * NS_PER_S)
#define FEW_BYTES      (64 * 1024) /* in a second, of all connections */

static uint64_t patience(const struct monitor *m, const struct monitor_path *path,
			 const struct monitor_seen_flow *flow)
{
	/* Of messages to and fro data tells how long the peer's program waits with the next one. */
	uint64_t wait = (uint64_t)(m->quiet ? flow->is.rtt_acked : flow->is.rtt) * NS_PER_US;
	unsigned strikes = path->strikes;

	/* Of what is said now and then the peer may put off the acknowledgement for a round trip. A link that had to rest
	 * once is not to blame yet. */
	wait = m->quiet ? wait * 2 : wait * 3 / 2;
	if (m->quiet && strikes > 0)
		strikes--;
	if (wait < PATIENCE_MIN)
		wait = PATIENCE_MIN;
	wait <<= strikes;
	return wait < PATIENCE_MAX ? wait : PATIENCE_MAX;
}

static bool is_silent_sending(const struct monitor *m, const struct monitor_seen_flow *flow,
			      uint64_t wait)
{
	return flow->is.in_flight && m->now - flow->acked_at >= wait;
}

/* When its connection last could deliver something in order; now, where that is not known. */
static uint64_t advanced_at(const struct monitor *m, const struct monitor_seen_flow *flow)
{
	unsigned at = monitor_connection_place(m, flow->is.connection);

	if (at < m->connection_count && m->connections[at].inode == flow->is.connection)
		return m->connections[at].advanced_at;
	return m->now;
}

static bool is_silent_receiving(const struct monitor *m, const struct monitor_seen_flow *flow,
				uint64_t wait)
{
	uint64_t silence = m->now - flow->received_at;

	return flow->received_at && silence >= wait && silence < RECENTLY &&
	       m->now - advanced_at(m, flow) >= wait / 2;
}

/* Does another link carry the connection on? For one that receives that means: data has come over
 * it since. */
static bool has_other_path(const struct monitor *m, const struct monitor_seen_flow *silent,
			   bool receiving)
{
	for (unsigned i = 0; i < m->flow_count; i++) {
		const struct monitor_seen_flow *flow = &m->flows[i];
		const struct monitor_path *path = monitor_path_find(m, flow->is.link);

		if (flow->is.connection != silent->is.connection ||
		    flow->is.link == silent->is.link || !flow->is.established || !path ||
		    path->out || is_silent_sending(m, flow, patience(m, path, flow)))
			continue;
		if (!receiving || (flow->received_at > silent->received_at &&
				   flow->received_at > advanced_at(m, silent)))
			return true;
	}
	return false;
}

static uint64_t last_sign(const struct monitor_path *path)
{
	return path->moved_at > path->known_at ? path->moved_at : path->known_at;
}

static bool condemns(const struct monitor *m, const struct monitor_path *path,
		     const struct monitor_seen_flow *flow)
{
	uint64_t wait = patience(m, path, flow);

	if (flow->is.link != path->link || !flow->is.established || !flow->is.connection ||
	    (!m->quiet && m->now - last_sign(path) < wait))
		return false;
	if (is_silent_sending(m, flow, wait))
		return has_other_path(m, flow, false);
	return is_silent_receiving(m, flow, wait) && has_other_path(m, flow, true);
}

static uint64_t probe_interval(const struct monitor_path *path)
{
	uint64_t interval = path->probes == 0 ? PROBE_SOON : PROBE_FIRST;

	for (unsigned i = PROBE_STEADY; i < path->probes && interval < PROBE_LAST; i++)
		interval *= 2;
	return interval;
}

static void probe_in_time(const struct monitor *m, struct monitor_path *path, monitor_act act,
			  void *data)
{
	if (m->now - path->probed_at < probe_interval(path))
		return;
	path->probed_at = m->now;
	path->probes++;
	act(path->link, MONITOR_PROBE, data);
}

/* Does a connection with a subflow on that link stand still, where it had more to say? */
static bool stands_still(const struct monitor *m, const struct monitor_path *path)
{
	for (unsigned i = 0; i < m->flow_count; i++) {
		const struct monitor_seen_flow *flow = &m->flows[i];
		bool still = flow->is.link == path->link && flow->is.established &&
			     flow->is.connection && (flow->is.in_flight || path->busy);

		for (unsigned j = 0; still && j < m->flow_count; j++)
			still = m->flows[j].is.connection != flow->is.connection ||
				m->now - m->flows[j].moved_at >= STILL;
		if (still)
			return true;
	}
	return false;
}

static void judge_last(const struct monitor *m, struct monitor_path *path, monitor_act act,
		       void *data)
{
	bool moves = m->now - path->moved_at < STILL;
	bool still = !moves && !path->answered_still && stands_still(m, path);

	if (path->asked && (moves || path->answered)) {
		path->answered_still = !moves;
		if (path->probes > 1) /* else nothing says that it was dead */
			act(path->link, MONITOR_GO_ON, data);
	} else if (still && !path->asked) {
		path->probed_at = m->now - PROBE_SOON;
		path->probes = 0;
	}
	path->asked = still && !path->answered_still;
	path->answered = false;
	if (path->asked)
		probe_in_time(m, path, act, data);
}

static void judge_in(struct monitor *m, struct monitor_path *path, monitor_act act, void *data)
{
	if (path->strikes && m->now - path->struck_at >= STRIKE_FADES) {
		path->strikes--;
		path->struck_at = m->now;
	}
	for (unsigned i = 0; i < m->flow_count; i++) {
		if (!condemns(m, path, &m->flows[i]))
			continue;
		path->out = true;
		path->asked = path->answered = path->rests = false;
		path->rests_until = 0;
		path->out_at = path->probed_at = m->now;
		path->probes = 0;
		act(path->link, MONITOR_TAKE_OUT, data);
		return;
	}
	judge_last(m, path, act, data);
}

/* Do the other links carry on what there is? */
static bool others_do(const struct monitor *m, const struct monitor_path *out)
{
	bool any = false;

	for (unsigned i = 0; i < m->flow_count; i++) {
		const struct monitor_seen_flow *flow = &m->flows[i];
		const struct monitor_path *path = monitor_path_find(m, flow->is.link);

		if (!path || path == out || path->out || !flow->is.established)
			continue;
		if (is_silent_sending(m, flow, patience(m, path, flow)))
			return false;
		any = true;
	}
	return any;
}

/* Alive so soon: it was a pause, or the loss of a packet, not a death. */
static void strike(const struct monitor *m, struct monitor_path *path)
{
	path->rests_until = m->now + (REST_FIRST << path->strikes);
	path->struck_at = m->now;
	if (path->strikes < STRIKES_MAX)
		path->strikes++;
}

static void put_in(const struct monitor *m, struct monitor_path *path, monitor_act act, void *data)
{
	path->out = false;
	path->known_at = m->now;
	act(path->link, MONITOR_PUT_IN, data);
}

static void judge_answered(const struct monitor *m, struct monitor_path *path, monitor_act act,
			   void *data)
{
	if (!path->rests && m->now - path->out_at < STRIKE_SOON)
		strike(m, path);
	if (m->now >= path->rests_until || !m->quiet || !others_do(m, path)) {
		put_in(m, path, act, data);
	} else if (!path->rests) {
		path->rests = true;
		act(path->link, MONITOR_REST, data);
	}
}

static void judge_out(struct monitor *m, struct monitor_path *path, monitor_act act, void *data)
{
	if (m->flow_count == 0) {
		put_in(m, path, act, data);
	} else if (path->answered) {
		judge_answered(m, path, act, data);
	} else {
		probe_in_time(m, path, act, data);
	}
}

static void count_bytes(struct monitor *m)
{
	bool over = m->now - m->second_at >= NS_PER_S;

	if (m->moved > FEW_BYTES || over)
		m->quiet = m->moved <= FEW_BYTES;
	if (over) {
		m->second_at = m->now;
		m->moved = 0;
	}
}

void monitor_looked(struct monitor *m, monitor_act act, void *data)
{
	monitor_drop_unseen(m);
	count_bytes(m);
	for (unsigned i = 0; i < m->path_count; i++) {
		if (m->paths[i].out)
			judge_out(m, &m->paths[i], act, data);
		else
			judge_in(m, &m->paths[i], act, data);
	}
}

void monitor_answered(struct monitor *m, unsigned link)
{
	struct monitor_path *path = monitor_path_find(m, link);

	if (path && (path->out || path->asked))
		path->answered = true;
}

uint64_t monitor_moved_at(const struct monitor *m, unsigned link)
{
	const struct monitor_path *path = monitor_path_find(m, link);

	return path ? path->moved_at : 0;
}

/* Does the connection of @flow send over another subflow as well? */
static bool sends_elsewhere(const struct monitor *m, const struct monitor_seen_flow *flow)
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
		const struct monitor_seen_flow *flow = &m->flows[i];

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

uint64_t monitor_pause(const struct monitor *m, uint64_t pause, bool moved, bool in_flight)
{
	if (monitor_is_watching(m) && (moved || in_flight))
		return PAUSE_WATCHING;
	if (moved)
		return MONITOR_PAUSE_BUSY;
	for (unsigned i = 0; i < m->path_count; i++)
		if (m->paths[i].asked && pause > PROBE_FIRST / 2)
			return PROBE_FIRST;
	return 2 * pause < MONITOR_PAUSE_MAX ? 2 * pause : MONITOR_PAUSE_MAX;
}

void monitor_forget(struct monitor *m, unsigned link)
{
	struct monitor_path *path = monitor_path_find(m, link);

	if (path)
		*path = m->paths[--m->path_count];
}

unsigned monitor_link(const struct monitor *m, unsigned at)
{
	return at < m->path_count ? m->paths[at].link : 0;
}
