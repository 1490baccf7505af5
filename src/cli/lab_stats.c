/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went over each link of a lab (--stats). */
#include "cli/lab.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

static const char *host_of(const struct scenario *scenario, unsigned wire)
{
	return scenario->hosts[scenario->links[wire / 2].ends[wire % 2].host].name;
}

void lab_print_stats(const struct scenario *scenario, const struct lab_result *result, FILE *out)
{
	fprintf(out, "%-12s %-20s %10s %13s", "LINK", "DIRECTION", "PACKETS", "BYTES");
	for (int i = 0; i < CHANNEL_DROPS; i++)
		fprintf(out, " %9s", channel_drop_names[i]);
	fprintf(out, " %9s %9s %9s\n", "refused", "missed", "QUEUE-MAX");
	for (unsigned i = 0; i < 2 * scenario->link_count; i++) {
		const struct traffic *traffic = &result->traffic[i];
		const struct channel_stats *stats = &traffic->channel;
		char direction[2 * SCENARIO_NAME_MAX + 4];

		snprintf(direction, sizeof(direction), "%s > %s", host_of(scenario, i),
			 host_of(scenario, i ^ 1));
		fprintf(out, "%-12s %-20s %10" PRIu64 " %13" PRIu64, scenario->links[i / 2].name,
			direction, stats->packets, stats->bytes);
		for (int j = 0; j < CHANNEL_DROPS; j++)
			fprintf(out, " %9" PRIu64, stats->drops[j]);
		fprintf(out, " %9" PRIu64 " %9" PRIu64 " %9" PRIu32 "\n", traffic->refused,
			traffic->missed, stats->queue_packets_max);
	}
}

static json_t *describe(const struct scenario *scenario, unsigned wire,
			const struct traffic *traffic)
{
	const struct channel_stats *stats = &traffic->channel;
	json_t *drops = json_object();

	for (int i = 0; i < CHANNEL_DROPS; i++)
		json_object_set_new(drops, channel_drop_names[i],
				    json_integer((json_int_t)stats->drops[i]));
	return json_pack("{ss ss ss sI sI sI sI so sI sI sI sI sI}", "link",
			 scenario->links[wire / 2].name, "from", host_of(scenario, wire), "to",
			 host_of(scenario, wire ^ 1), "packets", (json_int_t)stats->packets,
			 "bytes", (json_int_t)stats->bytes, "offered", (json_int_t)stats->offered,
			 "offered_bytes", (json_int_t)stats->offered_bytes, "drops", drops,
			 "reordered", (json_int_t)stats->reordered, "refused",
			 (json_int_t)traffic->refused, "missed", (json_int_t)traffic->missed,
			 "queue_packets_max", (json_int_t)stats->queue_packets_max,
			 "queue_bytes_max", (json_int_t)stats->queue_bytes_max);
}

int lab_print_stats_json(const struct scenario *scenario, const struct lab_result *result,
			 FILE *out)
{
	json_t *directions = json_array(), *all;
	int code;

	for (unsigned i = 0; i < 2 * scenario->link_count; i++)
		json_array_append_new(directions, describe(scenario, i, &result->traffic[i]));
	all = json_pack("{ss ss so}", "scenario", scenario->path, "wire", result->wire,
			"directions", directions);
	if (!all)
		return -ENOMEM;
	code = json_dumpf(all, out, JSON_INDENT(2)) < 0 ? -EIO : 0;
	fputc('\n', out);
	json_decref(all);
	return code;
}
