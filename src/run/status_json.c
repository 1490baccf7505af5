/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to `rivulet status` as JSON (rivulet-status(1) describes it), without I/O or clock. */
#include "run/status.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <linux/mptcp.h>
#include <string.h>

#define WORDS_MAX 32  /* of the program's command line */
#define WORD_MAX  256 /* bytes of each */

static const char *const state_names[] = {
	"unknown",   "established", "syn-sent",   "syn-recv", "fin-wait-1", "fin-wait-2",
	"time-wait", "closed",      "close-wait", "last-ack", "listen",     "closing",
};

/* Command lines are bytes; JSON is UTF-8. */
static json_t *word_json(const char *word)
{
	char text[WORD_MAX + 1];
	json_t *made;

	snprintf(text, sizeof(text), "%s", word);
	made = json_string(text);
	if (made)
		return made;
	for (char *c = text; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(text);
}

static json_t *program_json(char *const *argv)
{
	json_t *words = json_array();

	for (unsigned i = 0; argv[i] && i < WORDS_MAX; i++)
		json_array_append_new(words, word_json(argv[i]));
	return words;
}

static json_t *links_json(const struct status_facts *facts)
{
	json_t *links = json_array();

	for (unsigned i = 0; i < facts->links->count; i++) {
		const struct link *link = &facts->links->all[i];
		bool used = facts->use[i] == MULTIPATH_USED;

		if (link->kind == LINK_LOOPBACK)
			continue;
		json_array_append_new(
			links, json_pack("{ss ss sb sb ss*}", "name", link->name, "kind",
					 link_kind_names[link->kind], "up", link->up, "used", used,
					 "why", used ? NULL : multipath_use_text[facts->use[i]]));
	}
	return links;
}

static void put_ends(json_t *object, const struct diag_socket *socket)
{
	char text[ADDRESS_TEXT_MAX];

	json_object_set_new(object, "local", json_string(address_text(&socket->local, text)));
	json_object_set_new(object, "local_port", json_integer(socket->local_port));
	json_object_set_new(object, "remote", json_string(address_text(&socket->remote, text)));
	json_object_set_new(object, "remote_port", json_integer(socket->remote_port));
}

static json_t *subflow_json(const struct status_facts *facts, const struct diag_socket *socket)
{
	const uint32_t backup = MPTCP_SUBFLOW_FLAG_BKUP_LOC | MPTCP_SUBFLOW_FLAG_BKUP_REM;
	const struct link *link = links_by_address(facts->links, &socket->local);
	unsigned state = socket->state < ARRAY_SIZE(state_names) ? socket->state : 0;
	json_t *object = json_pack(
		"{ss* ss sb sI sI sI sI sI sI sI sI}", "link", link ? link->name : NULL, "state",
		state_names[state], "backup", (socket->mptcp_flags & backup) != 0, "rtt_us",
		(json_int_t)socket->rtt, "rtt_var_us", (json_int_t)socket->rtt_var, "cwnd",
		(json_int_t)socket->cwnd, "delivery_rate", (json_int_t)socket->delivery_rate * 8,
		"retransmissions", (json_int_t)socket->retransmissions, "sent",
		(json_int_t)socket->bytes_acked, "received", (json_int_t)socket->bytes_received,
		"cookie", (json_int_t)socket->cookie);

	put_ends(object, socket);
	return object;
}

/* Connection by connection, the subflow that it began with first. */
static int compare(const void *a, const void *b)
{
	const uint32_t joined = MPTCP_SUBFLOW_FLAG_JOIN_LOC | MPTCP_SUBFLOW_FLAG_JOIN_REM;
	const struct status_subflow *x = a, *y = b;
	bool x_joined = x->socket.mptcp_flags & joined, y_joined = y->socket.mptcp_flags & joined;

	if (x->connection.inode != y->connection.inode)
		return x->connection.inode < y->connection.inode ? -1 : 1;
	if (x_joined != y_joined)
		return x_joined ? 1 : -1;
	return (x->socket.cookie > y->socket.cookie) - (x->socket.cookie < y->socket.cookie);
}

static const char *protocol(const struct status_subflow *flows, unsigned count)
{
	if (count == 1 && flows->socket.state == DIAG_SYN_SENT)
		return "unknown"; /* until the peer answers */
	if (flows->connection.doubtful)
		return "unknown"; /* the kernel hides it */
	return flows->connection.fallback ? "tcp" : "mptcp";
}

/* Of the @count subflows @flows. */
static json_t *connection_json(const struct status_facts *facts, const struct status_subflow *flows,
			       unsigned count)
{
	uint64_t sent = flows->connection.sent, received = flows->connection.received;
	json_t *subflows = json_array(), *object;
	uint32_t token = 0;

	for (unsigned i = 0; i < count; i++) {
		sent += flows[i].socket.bytes_acked;
		received += flows[i].socket.bytes_received;
		token = token ? token : flows[i].socket.token;
		json_array_append_new(subflows, subflow_json(facts, &flows[i].socket));
	}
	object = json_pack("{sI ss sI sI so}", "inode", (json_int_t)flows->connection.inode,
			   "protocol", protocol(flows, count), "sent", (json_int_t)sent, "received",
			   (json_int_t)received, "subflows", subflows);
	if (token)
		json_object_set_new(object, "token", json_integer(token));
	put_ends(object, &flows->socket);
	return object;
}

static json_t *connections_json(const struct status_facts *facts, struct status_subflow *seen,
				unsigned count)
{
	json_t *connections = json_array();
	unsigned next;

	if (count > 0)
		qsort(seen, count, sizeof(*seen), compare);
	for (unsigned i = 0; i < count; i = next) {
		next = i + 1;
		while (next < count && seen[next].connection.inode == seen[i].connection.inode)
			next++;
		json_array_append_new(connections, connection_json(facts, &seen[i], next - i));
	}
	return connections;
}

json_t *status_json(const struct status *status, const struct status_facts *facts, uint64_t now,
		    struct status_subflow *seen, unsigned count, unsigned left_out)
{
	return json_pack("{si sI so sI sf sb so so si}", "pid", (int)facts->pid, "netns",
			 (json_int_t)status->netns, "program", program_json(facts->argv), "since",
			 (json_int_t)status->opened_at, "seconds",
			 (double)(now - status->opened) / NS_PER_S, "program_ended", facts->ended,
			 "links", links_json(facts), "connections",
			 connections_json(facts, seen, count), "left_out", (int)left_out);
}
