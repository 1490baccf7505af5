/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs as tables: a row for each connection, and under it one for each of its subflows. */
#include "cli/status.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum { NAME, STATE, RTT, CWND, RATE_RECEIVED, RATE_SENT, RECEIVED, SENT, RETRANSMITTED, COLUMNS };
static const char *const titles[COLUMNS] = {
	[NAME] = "CONNECTION",   [STATE] = "STATE",      [RTT] = "RTT",
	[CWND] = "CWND",         [RATE_RECEIVED] = "IN", [RATE_SENT] = "OUT",
	[RECEIVED] = "RECEIVED", [SENT] = "SENT",        [RETRANSMITTED] = "RETRANS",
};

struct row {
	char cells[COLUMNS][2 * 64];
};

struct table {
	struct row *rows; /* owned */
	size_t count, room;
	size_t width[COLUMNS];
};

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "?";
}

static uint64_t count_of(const json_t *object, const char *member)
{
	return (uint64_t)json_integer_value(json_object_get(object, member));
}

/* What a program is called could move the cursor: control characters, those of Unicode (0xc2 0x80
 * to 0x9f) too, become question marks. */
static void put_text(const char *text, FILE *out)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool wide = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		fputc(*c < 0x20 || *c == 0x7f || wide ? '?' : *c, out);
		c += wide;
	}
}

static void put_duration(double seconds, FILE *out)
{
	unsigned long s = seconds > 0 ? (unsigned long)seconds : 0;

	if (s >= 86400)
		fprintf(out, "%lu d %lu h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		fprintf(out, "%lu h %lu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		fprintf(out, "%lu min %lu s", s / 60, s % 60);
	else
		fprintf(out, "%lu s", s);
}

static void put_links(const json_t *links, FILE *out)
{
	bool first = true;

	fputs("; links: ", out);
	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);

		fputs(first ? "" : ", ", out);
		put_text(text_of(link, "name"), out);
		if (!json_is_true(json_object_get(link, "used"))) {
			fputs(" not used (", out);
			put_text(text_of(link, "why"), out);
			fputc(')', out);
		}
		first = false;
	}
	if (first)
		fputs("none", out);
}

static void put_head(const json_t *run, ino_t netns, FILE *out)
{
	const json_t *program = json_object_get(run, "program");

	fprintf(out, "%" PRIu64 " ", count_of(run, "pid"));
	for (size_t i = 0; i < json_array_size(program); i++) {
		const char *word = json_string_value(json_array_get(program, i));

		fputc(' ', out);
		put_text(word ? word : "?", out);
	}
	fputs("\n  for ", out);
	put_duration(json_number_value(json_object_get(run, "seconds")), out);
	if (count_of(run, "netns") != netns)
		fputs(" in another network namespace", out);
	if (json_is_true(json_object_get(run, "program_ended")))
		fputs("; the program has ended, processes that it started go on", out);
	put_links(json_object_get(run, "links"), out);
	fputc('\n', out);
}

static struct row *add_row(struct table *table)
{
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 16;
		struct row *grown = reallocarray(table->rows, room, sizeof(*grown));

		if (!grown)
			return NULL;
		table->rows = grown;
		table->room = room;
	}
	table->rows[table->count] = (struct row){0};
	return &table->rows[table->count++];
}

static void measure(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		for (unsigned j = 0; j < COLUMNS; j++) {
			size_t width = strlen(table->rows[i].cells[j]);

			if (width > table->width[j])
				table->width[j] = width;
		}
}

static void put_table(struct table *table, FILE *out)
{
	measure(table);
	for (size_t i = 0; i < table->count; i++) {
		fputs("  ", out);
		for (unsigned j = 0; j < COLUMNS; j++) {
			const char *cell = table->rows[i].cells[j];
			int blanks = (int)(table->width[j] - strlen(cell));

			/* Words begin at the left, numbers end at the right. */
			fprintf(out, "%s%*s", j ? "  " : "", j > STATE ? blanks : 0, "");
			put_text(cell, out);
			if (j <= STATE)
				fprintf(out, "%*s", blanks, "");
		}
		fputc('\n', out);
	}
}

#define cell(row, column, ...) snprintf((row)->cells[column], sizeof((row)->cells[0]), __VA_ARGS__)

static void put_end(const json_t *object, const char *address, const char *port,
		    char text[static 64])
{
	const char *host = text_of(object, address);

	snprintf(text, 64, strchr(host, ':') ? "[%s]:%" PRIu64 : "%s:%" PRIu64, host,
		 count_of(object, port));
}

static void fill_traffic(struct row *row, const json_t *object)
{
	char text[UNITS_TEXT_MAX];

	cell(row, RECEIVED, "%s", units_bytes_about(count_of(object, "received"), text));
	cell(row, SENT, "%s", units_bytes_about(count_of(object, "sent"), text));
	if (!json_object_get(object, "rate_received"))
		return;
	cell(row, RATE_RECEIVED, "%s", units_rate_about(count_of(object, "rate_received"), text));
	cell(row, RATE_SENT, "%s", units_rate_about(count_of(object, "rate_sent"), text));
}

/* "LINK", or "LINK > PEER" where that is not the connection's. */
static void name_subflow(struct row *row, const json_t *subflow, const json_t *connection)
{
	const char *link = json_string_value(json_object_get(subflow, "link"));
	const char *remote = text_of(subflow, "remote");
	bool same = !strcmp(remote, text_of(connection, "remote"));

	/* A link that is gone leaves only its address. */
	cell(row, NAME, "  %s%s%s", link ? link : text_of(subflow, "local"), same ? "" : " > ",
	     same ? "" : remote);
}

static void add_subflow(struct table *table, const json_t *subflow, const json_t *connection)
{
	struct row *row = add_row(table);
	uint64_t rtt = count_of(subflow, "rtt_us");

	if (!row)
		return;
	name_subflow(row, subflow, connection);
	cell(row, STATE, "%s%s", text_of(subflow, "state"),
	     json_is_true(json_object_get(subflow, "backup")) ? ", backup" : "");
	if (rtt)
		cell(row, RTT, "%.1f ms", (double)rtt / 1000);
	cell(row, CWND, "%" PRIu64, count_of(subflow, "cwnd"));
	cell(row, RETRANSMITTED, "%" PRIu64, count_of(subflow, "retransmissions"));
	fill_traffic(row, subflow);
}

static const char *state_of(const json_t *connection)
{
	const char *protocol = text_of(connection, "protocol");
	const json_t *first = json_array_get(json_object_get(connection, "subflows"), 0);

	if (strcmp(protocol, "mptcp") == 0)
		return "MPTCP";
	if (strcmp(protocol, "tcp") == 0)
		return "fell back to TCP";
	/* Else it has been connected, and the kernel does not tell as what. */
	return strcmp(text_of(first, "state"), "syn-sent") == 0 ? "connecting" : "MPTCP or TCP";
}

static void add_connection(struct table *table, const json_t *connection)
{
	const json_t *subflows = json_object_get(connection, "subflows");
	struct row *row = add_row(table);
	char local[64], remote[64];

	if (!row)
		return;
	put_end(connection, "local", "local_port", local);
	put_end(connection, "remote", "remote_port", remote);
	cell(row, NAME, "%s > %s", local, remote);
	cell(row, STATE, "%s", state_of(connection));
	fill_traffic(row, connection);
	for (size_t i = 0; i < json_array_size(subflows); i++)
		add_subflow(table, json_array_get(subflows, i), connection);
}

static void print_run(const json_t *run, ino_t netns, FILE *out)
{
	const json_t *connections = json_object_get(run, "connections");
	uint64_t left_out = count_of(run, "left_out");
	struct table table = {0};
	struct row *head;

	put_head(run, netns, out);
	if (json_array_size(connections) == 0) {
		fputs("  no connection now\n", out);
		return;
	}
	head = add_row(&table);
	for (unsigned i = 0; head && i < COLUMNS; i++)
		cell(head, i, "%s", titles[i]);
	for (size_t i = 0; i < json_array_size(connections); i++)
		add_connection(&table, json_array_get(connections, i));
	put_table(&table, out);
	if (left_out)
		fprintf(out, "  and %" PRIu64 " subflows more\n", left_out);
	free(table.rows);
}

void status_print(const json_t *runs, ino_t netns, FILE *out)
{
	if (json_array_size(runs) == 0)
		fputs("no program runs under `rivulet run` now\n", out);
	for (size_t i = 0; i < json_array_size(runs); i++) {
		if (i > 0)
			fputc('\n', out);
		print_run(json_array_get(runs, i), netns, out);
	}
}
