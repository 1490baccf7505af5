/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "via/server/parts.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#define STRANGERS_LINES 50 /* a second */

/* A log that cannot be written is told of once, until it can be again. */
static void check(struct server *server)
{
	FILE *log = server->options.log;
	bool lost;

	errno = EIO; /* where an earlier write is what failed */
	lost = fflush(log) != 0 || ferror(log);
	if (lost && !server->log_lost)
		fprintf(stderr, "rivulet: the log cannot be written: %s\n", strerror(errno));
	server->log_lost = lost;
	clearerr(log);
}

static void write_line(struct server *server, json_t *object)
{
	FILE *log = server->options.log;
	struct timespec now;
	struct tm tm;
	char text[40];

	if (!object)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%03ldZ",
		 now.tv_nsec / 1000000);
	json_object_set_new(object, "time", json_string(text));
	/* One write for a line: of several processes too they stay whole. */
	json_dumpf(object, log, JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputc('\n', log);
	check(server);
	json_decref(object);
}

/* Strangers do not fill the disk. */
static bool has_line(struct server *server)
{
	uint64_t now = clock_now();

	if (now > server->lines_since + NS_PER_S) {
		server->lines_since = now;
		server->lines = 0;
	}
	return server->lines++ < STRANGERS_LINES;
}

void record_write(const struct visitor *visitor, const char *result)
{
	struct server *server = visitor->server;
	const struct sockaddr *to = (const struct sockaddr *)&visitor->to;
	char from[ADDRESS_TEXT_MAX] = "unknown", address[ADDRESS_PORT_TEXT_MAX];
	json_t *object;

	if (!server->options.log)
		return;
	if (visitor->client < 0 && server->options.clients && !has_line(visitor->server)) {
		record_turned_away(visitor->server);
		return;
	}
	if (visitor->from.family)
		address_text(&visitor->from, from);
	object = json_pack("{ss, ss, sf}", "from", from, "result", result, "seconds",
			   (double)(clock_now() - visitor->since) / 1e9);
	if (visitor->client >= 0)
		json_object_set_new(
			object, "client",
			json_string(clients_name(server->options.clients, visitor->client)));
	if (visitor->host[0]) {
		json_object_set_new(object, "host", json_string(visitor->host));
		json_object_set_new(object, "port", json_integer(strtol(visitor->port, NULL, 10)));
	}
	if (to->sa_family)
		json_object_set_new(object, "address", json_string(address_port_text(to, address)));
	if (visitor->carriage.over) {
		json_object_set_new(object, "sent",
				    json_integer((json_int_t)carriage_in(&visitor->carriage)));
		json_object_set_new(object, "received",
				    json_integer((json_int_t)carriage_out(&visitor->carriage)));
	}
	write_line(server, object);
}

void record_turned_away(struct server *server)
{
	uint64_t now = clock_now();

	server->turned_away++;
	if (!server->options.log || now < server->told_at + NS_PER_S)
		return;
	server->told_at = now;
	write_line(server, json_pack("{ss, sI}", "result", "strangers without a line of their own",
				     "count", (json_int_t)(server->turned_away - server->told)));
	server->told = server->turned_away;
}
