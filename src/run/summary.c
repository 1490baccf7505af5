/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/summary.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define SUMMARY_LINKS 32

/* The paths put together by link; an address that no link has any more stands for itself. */
struct share {
	char name[ADDRESS_TEXT_MAX];
	const char *kind;
	uint64_t sent, received, retransmitted;
	unsigned subflows;
};

static struct share *share_of(struct share *shares, unsigned *count, const char *name)
{
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(shares[i].name, name) == 0)
			return &shares[i];
	if (*count == SUMMARY_LINKS)
		return &shares[SUMMARY_LINKS - 1];
	snprintf(shares[*count].name, sizeof(shares->name), "%s", name);
	return &shares[(*count)++];
}

static unsigned share_out(const struct summary *summary, struct share shares[static SUMMARY_LINKS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < summary->totals.path_count; i++) {
		const struct ledger_path *path = &summary->totals.paths[i];
		const struct link *link = links_by_address(summary->links, &path->local);
		char text[ADDRESS_TEXT_MAX];
		struct share *share = share_of(
			shares, &count, link ? link->name : address_text(&path->local, text));

		share->kind = link ? link_kind_names[link->kind] : "unknown";
		share->sent += path->sent;
		share->received += path->received;
		share->retransmitted += path->retransmitted;
		share->subflows += path->subflows;
	}
	return count;
}

void summary_print(const struct summary *summary, FILE *out)
{
	const struct ledger_totals *totals = &summary->totals;
	struct share shares[SUMMARY_LINKS] = {0};
	unsigned count = share_out(summary, shares);
	uint64_t sent = 0, received = 0;
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	for (unsigned i = 0; i < count; i++) {
		sent += shares[i].sent;
		received += shares[i].received;
	}
	fprintf(out, "rivulet: %u connection%s", totals->connections,
		totals->connections == 1 ? "" : "s");
	if (totals->connections)
		fprintf(out, ", %s received, %s sent", units_bytes_about(received, a),
			units_bytes_about(sent, b));
	for (unsigned i = 0; i < count; i++) {
		double share = sent + received
				       ? 100.0 * (double)(shares[i].sent + shares[i].received) /
						 (double)(sent + received)
				       : 0;

		fprintf(out, "%s%s %.0f %%", i ? ", " : ": ", shares[i].name, share);
	}
	if (totals->fallbacks)
		fprintf(out,
			"; %u fell back to TCP (the peer, or a middlebox on the way, does not "
			"speak "
			"MPTCP)",
			totals->fallbacks);
	if (summary->why_tcp)
		fprintf(out, "; plain TCP: %s", summary->why_tcp);
	else if (summary->refused)
		fprintf(out, "; %u socket%s stayed plain TCP", summary->refused,
			summary->refused == 1 ? "" : "s");
	if (totals->unseen)
		fprintf(out, "; %u socket%s without a connection, or with one too short to be seen",
			totals->unseen, totals->unseen == 1 ? "" : "s");
	if (summary->open)
		fprintf(out, "; processes that it started go on");
	fputc('\n', out);
	fflush(out);
}

static json_t *describe_links(const struct summary *summary)
{
	struct share shares[SUMMARY_LINKS] = {0};
	unsigned count = share_out(summary, shares);
	json_t *links = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(
			links, json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "name", shares[i].name,
					 "kind", shares[i].kind, "sent", (json_int_t)shares[i].sent,
					 "received", (json_int_t)shares[i].received,
					 "retransmitted", (json_int_t)shares[i].retransmitted,
					 "subflows", (int)shares[i].subflows));
	return links;
}

static json_t *describe(const struct summary *summary)
{
	const struct ledger_totals *totals = &summary->totals;

	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:b, s:s*, s:o}", "connections",
			 (int)totals->connections, "fallbacks", (int)totals->fallbacks, "open",
			 (int)totals->open, "unseen", (int)totals->unseen, "refused",
			 (int)summary->refused, "processes_go_on", summary->open, "plain_tcp",
			 summary->why_tcp, "links", describe_links(summary));
}

static json_t *describe_moved(const struct summary_moved *moved)
{
	json_t *object = json_pack("{ss sI sI sI}", "stack", moved->stack, "connections",
				   (json_int_t)moved->connections, "received",
				   (json_int_t)moved->received, "sent", (json_int_t)moved->sent);

	if (moved->seen) {
		json_object_set_new(object, "fallbacks",
				    json_integer(moved->seen->totals.fallbacks));
		json_object_set_new(object, "links", describe_links(moved->seen));
	}
	return object;
}

/* Takes @object. */
static int put(json_t *object, FILE *out)
{
	int err;

	if (!object)
		return -ENOMEM;
	errno = EIO; /* where an earlier write is what failed */
	err = json_dumpf(object, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF || fflush(out)
		      ? -errno
		      : 0;
	json_decref(object);
	return err;
}

/* Takes @object. */
static int report(json_t *object, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	int err = file ? put(steal_ptr(object), file) : -errno;

	json_decref(object);
	if (err < 0)
		fprintf(stderr, "rivulet: cannot write the report %s: %s\n", path, strerror(-err));
	return err;
}

int summary_print_json(const struct summary *summary, FILE *out)
{
	return put(describe(summary), out);
}

int summary_report(const struct summary *summary, const char *path)
{
	return report(describe(summary), path);
}

int summary_moved_print_json(const struct summary_moved *moved, FILE *out)
{
	return put(describe_moved(moved), out);
}

int summary_moved_report(const struct summary_moved *moved, const char *path)
{
	return report(describe_moved(moved), path);
}
