/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a cell's files say, as its record: one JSON object, the figures in it flat (figure.h). */
#include "assess/cell_files.h"

#include "assess/load.h"
#include "assess/stats.h"
#include "assess/timeline.h"
#include "base/cleanup.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define QUANTILES 21 /* of the delays: 0, 5, ... 100 % */
#define TEXT_LAST 300

struct ends {
	json_t *client, *server; /* owned; NULL: wrote nothing */
	json_t *run; /* owned: what the run says of its connections; NULL: there was none */
	struct timeline down, up;
	double *delays; /* of both; owned */
	size_t delay_count;
	uint64_t *events; /* when those of the scenario came, so far as they did; owned */
	unsigned event_count;
};

static json_t *load_file(const struct cell_setup *setup, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", setup->folder, name);
	return json_load_file(path, JSON_DISABLE_EOF_CHECK, NULL); /* of lines, the first */
}

static double number(const json_t *from, const char *name)
{
	return json_number_value(json_object_get(from, name));
}

static int read_delays(struct ends *ends)
{
	const json_t *sides[] = {ends->client, ends->server};

	for (unsigned i = 0; i < ARRAY_SIZE(sides); i++) {
		const json_t *from = json_object_get(sides[i], "delays_ms");
		size_t count = json_array_size(from);
		double *all = realloc(ends->delays, (ends->delay_count + count + 1) * sizeof(*all));

		if (!all)
			return -ENOMEM;
		ends->delays = all;
		for (size_t j = 0; j < count; j++)
			all[ends->delay_count++] = json_number_value(json_array_get(from, j));
	}
	return 0;
}

/* In order, as the scenario has them: the lab's samples say when they really happened. */
static int read_events(const struct cell *cell, const struct cell_setup *setup, struct ends *ends)
{
	unsigned count = cell->scenario->scenario->event_count;
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX], line[LINE_MAX];

	ends->events = calloc(count + 1, sizeof(*ends->events));
	if (!ends->events)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/" CELL_SAMPLES, setup->folder);
	file = fopen(path, "re");
	while (file && ends->event_count < count && fgets(line, sizeof(line), file)) {
		json_t *sample = json_loads(line, 0, NULL);

		if (json_object_get(sample, "event"))
			ends->events[ends->event_count++] =
				(uint64_t)(number(sample, "t") * NS_PER_S);
		json_decref(sample);
	}
	return 0;
}

static int read_ends(const struct cell *cell, const struct cell_setup *setup, struct ends *ends)
{
	int code;

	*ends = (struct ends){
		.client = load_file(setup, LOAD_CLIENT),
		.server = load_file(setup, LOAD_SERVER),
		.run = load_file(setup, CELL_RUN),
	};
	timeline_parse(json_object_get(ends->client, "received"), &ends->down);
	timeline_parse(json_object_get(ends->server, "received"), &ends->up);
	code = read_delays(ends);
	if (code == 0)
		code = read_events(cell, setup, ends);
	/* Messages come at times of their own. */
	if (code == 0 && (cell->workload->talk == TALK_ASK || workload_is_sized(cell->workload)))
		code = stats_fill(&ends->delays, &ends->delay_count);
	return code;
}

static void free_ends(struct ends *ends)
{
	json_decref(ends->client);
	json_decref(ends->server);
	json_decref(ends->run);
	free(ends->delays);
	free(ends->events);
}

/* Why the cell is worth nothing; false: it is. */
static bool is_bad(const struct cell *cell, const struct cell_watched *watched,
		   const struct ends *ends, const char *output, char *ret, size_t size)
{
	bool networked = cell->workload->talk != TALK_NONE;

	if (watched->late)
		snprintf(ret, size, "it did not end in time and was killed; its last words: %s",
			 output);
	else if (!WIFEXITED(watched->status) || WEXITSTATUS(watched->status) != 0)
		snprintf(ret, size, "it ended with %d: %s",
			 WIFEXITED(watched->status) ? WEXITSTATUS(watched->status)
						    : 128 + WTERMSIG(watched->status),
			 output);
	else if (!ends->client || (networked && !ends->server))
		snprintf(ret, size, "the %s wrote down nothing: %s",
			 ends->client ? "server" : "device", output);
	else if (number(ends->client, "failures") > 0)
		snprintf(ret, size, "%s", json_string_value(json_object_get(ends->client, "why")));
	else if (number(ends->client, "bad") + number(ends->server, "bad") > 0)
		snprintf(ret, size, "%.0f bytes arrived that were not sent so",
			 number(ends->client, "bad") + number(ends->server, "bad"));
	else
		return false;
	return true;
}

/* The last of what was printed, in one line. */
static void read_output(const struct cell_setup *setup, char ret[static TEXT_LAST])
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	size_t got;

	snprintf(path, sizeof(path), "%s/" CELL_OUTPUT, setup->folder);
	ret[0] = 0;
	file = fopen(path, "re");
	if (!file)
		return;
	if (fseek(file, -(TEXT_LAST - 1), SEEK_END) < 0)
		rewind(file);
	got = fread(ret, 1, TEXT_LAST - 1, file);
	while (got > 0 && ret[got - 1] == '\n')
		got--;
	ret[got] = 0;
	for (char *at = ret; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = ' ';
}

static void set(json_t *figures, const char *name, double value)
{
	if (isfinite(value))
		json_object_set_new(figures, name, json_real(value));
}

static uint64_t recovery(const struct ends *ends, unsigned event)
{
	uint64_t at = ends->events[event], until = UINT64_MAX, down, up;

	for (unsigned i = event + 1; until == UINT64_MAX && i < ends->event_count; i++)
		if (ends->events[i] > at)
			until = ends->events[i];
	down = timeline_recovery(&ends->down, at, until);
	up = timeline_recovery(&ends->up, at, until);
	return down > up ? down : up;
}

static json_t *describe_events(const struct cell *cell, const struct ends *ends, json_t *figures)
{
	const struct scenario *scenario = cell->scenario->scenario;
	json_t *all = json_array();
	double worst = 0;

	for (unsigned i = 0; i < ends->event_count; i++) {
		const struct scenario_event *event = &scenario->events[i];
		double took = (double)recovery(ends, i) / NS_PER_S;

		if (took > worst)
			worst = took;
		json_array_append_new(
			all, json_pack("{sf ss ss sf}", "at", (double)ends->events[i] / NS_PER_S,
				       "what", scenario_action_names[event->action], "link",
				       scenario->links[event->link].name, "recovery", took));
	}
	if (ends->event_count)
		set(figures, "recovery", worst);
	return all;
}

/* What was given up has taken until then. */
static double rate(const json_t *end, const struct timeline *line)
{
	struct timeline whole = *line;

	if (number(end, "given_up") > 0 && whole.first)
		whole.last = whole.end;
	return timeline_goodput(&whole);
}

static double goodput(const struct cell *cell, const struct ends *ends)
{
	double down = rate(ends->client, &ends->down), up = rate(ends->server, &ends->up);

	/* What counts of transfers of a fixed size is the larger way. */
	if (workload_is_sized(cell->workload))
		return cell->workload->up_bytes[1] > cell->workload->down_bytes[1] ? up : down;
	return down + up;
}

/* What the device's processors did for it, s; negative: not known. */
static double spent(const struct cell_watched *watched)
{
	return watched->cpu >= 0 && watched->nobody > 0 ? watched->cpu + watched->nobody
							: watched->cpu;
}

/* The sum over all links of what the run saw of its subflows. */
static double sum_of_subflows(const struct ends *ends, const char *what)
{
	const json_t *link;
	double sum = 0;
	size_t i;

	json_array_foreach(json_object_get(ends->run, "links"), i, link) sum += number(link, what);
	return sum;
}

/* The device's kernel knows nothing of a stack that is not its own. */
static double retransmitted(const struct ends *ends)
{
	return fmax(number(ends->client, "retransmitted"), sum_of_subflows(ends, "retransmitted")) +
	       number(ends->server, "retransmitted");
}

static json_t *describe_figures(const struct cell *cell, const struct cell_watched *watched,
				const struct ends *ends)
{
	double cpu = spent(watched);
	double bytes = number(ends->client, "sent") + (double)ends->down.bytes;
	double longest = (double)timeline_longest(&ends->down), up;
	json_t *figures = json_object();

	if (cell->workload->talk == TALK_NONE) {
		set(figures, "work", timeline_goodput(&ends->down) / 8);
	} else {
		if (cell->workload->talk == TALK_STREAM)
			set(figures, "goodput", goodput(cell, ends));
		if (ends->down.first)
			set(figures, "first-byte", (double)ends->down.first / NS_PER_S);
		else if (ends->up.first)
			set(figures, "first-byte", (double)ends->up.first / NS_PER_S);
		set(figures, "retransmitted", retransmitted(ends));
		set(figures, "given-up", number(ends->client, "given_up"));
		if (cpu >= 0 && ends->down.end)
			set(figures, "cpu",
			    cpu / (watched->seconds > 0 ? watched->seconds
							: (double)ends->down.end / NS_PER_S));
		if (cpu >= 0 && bytes > 0 && cell->workload->talk == TALK_STREAM)
			set(figures, "cpu-per-gb", cpu / (bytes / 1e9));
	}
	up = (double)timeline_longest(&ends->up);
	set(figures, "stall", (up > longest ? up : longest) / NS_PER_S);
	if (watched->memory)
		set(figures, "memory", (double)watched->memory);
	if (ends->delay_count) {
		set(figures, "delay-p50", stats_quantile(ends->delays, ends->delay_count, 0.5));
		set(figures, "delay-p95", stats_quantile(ends->delays, ends->delay_count, 0.95));
		set(figures, "delay-p99", stats_quantile(ends->delays, ends->delay_count, 0.99));
		set(figures, "delay-max", stats_quantile(ends->delays, ends->delay_count, 1));
	}
	return figures;
}

static json_t *describe_delays(const struct ends *ends)
{
	json_t *all = json_array();

	for (unsigned i = 0; ends->delay_count && i < QUANTILES; i++)
		json_array_append_new(all, json_real(stats_quantile(ends->delays, ends->delay_count,
								    (double)i / (QUANTILES - 1))));
	return all;
}

static json_t *describe_rates(const struct timeline *line)
{
	json_t *described = timeline_describe(line);
	json_t *bins = json_incref(json_object_get(described, "bins"));

	json_decref(described);
	return bins;
}

/* Bytes that each link delivered, as the lab counts them: frames, whatever the stack. */
static json_t *describe_links(const struct cell_setup *setup)
{
	json_t *stats = load_file(setup, CELL_STATS);
	const json_t *directions = json_object_get(stats, "directions");
	json_t *links = json_object();
	const json_t *direction;
	size_t i;

	json_array_foreach(directions, i, direction)
	{
		const char *name = json_string_value(json_object_get(direction, "link"));
		json_int_t bytes = json_integer_value(json_object_get(direction, "bytes"));

		if (name)
			json_object_set_new(
				links, name,
				json_integer(json_integer_value(json_object_get(links, name)) +
					     bytes));
	}
	json_decref(stats);
	return links;
}

/* What the run says of its connections. */
static void add_summary(json_t *record, json_t *figures, const struct ends *ends,
			const struct cell *cell)
{
	const json_t *fallbacks = json_object_get(ends->run, "fallbacks");
	json_t *links = json_object_get(ends->run, "links");

	if (links) {
		json_object_set_new(record, "subflows",
				    json_integer((json_int_t)sum_of_subflows(ends, "subflows")));
		json_object_set(record, "shares", links);
	}
	if (fallbacks) {
		json_object_set_new(record, "fallbacks",
				    json_integer(json_integer_value(fallbacks)));
		/* A peer that has no MPTCP is what protocol tcp means. */
		if (cell->protocol == CELL_MPTCP)
			set(figures, "fallbacks", json_number_value(fallbacks));
	}
}

static void add_bytes(json_t *record, const struct cell_watched *watched, const struct ends *ends)
{
	json_object_set_new(record, "sent", json_integer((json_int_t)number(ends->client, "sent")));
	json_object_set_new(record, "received", json_integer((json_int_t)ends->down.bytes));
	json_object_set_new(record, "connections",
			    json_integer((json_int_t)number(ends->client, "connections")));
	if (watched->cpu >= 0)
		json_object_set_new(record, "cpu_s", json_real(watched->cpu));
	json_object_set_new(record, "own_cpu_s", json_real(number(ends->client, "own_cpu_s")));
	if (watched->nobody >= 0)
		json_object_set_new(record, "nobody_s", json_real(watched->nobody));
	json_object_set_new(record, "softirq_s", json_real(watched->softirq));
	if (watched->note[0])
		json_object_set_new(record, "note", json_string(watched->note));
}

json_t *cell_record(const struct cell *cell, const struct cell_setup *setup,
		    const struct cell_watched *watched)
{
	const struct scenario *scenario = cell->scenario->scenario;
	char key[CELL_KEY_MAX], output[TEXT_LAST], why[2 * TEXT_LAST] = "";
	struct ends ends;
	json_t *record, *figures;
	bool bad;

	if (read_ends(cell, setup, &ends) < 0) {
		free_ends(&ends);
		return NULL;
	}
	read_output(setup, output);
	bad = is_bad(cell, watched, &ends, output, why, sizeof(why));
	record = json_pack("{ss ss ss ss ss ss ss* si sf sI sI sb}", "key", cell_key(cell, key),
			   "scenario", cell->scenario->name, "workload", cell->workload->name,
			   "profile", cell->profile->name, "stack", cell->stack->name, "protocol",
			   cell_protocol_names[cell->protocol], "link",
			   cell->link >= 0 ? scenario->links[cell->link].name : NULL, "repetition",
			   (int)cell->repetition, "seconds", (double)cell->duration / NS_PER_S,
			   "seed", (json_int_t)setup->seed, "time", (json_int_t)time(NULL), "ok",
			   !bad);
	if (!record) {
		free_ends(&ends);
		return NULL;
	}
	if (cell->profile->cpus > 0 || watched->cpus > 0)
		json_object_set_new(
			record, "cpus",
			json_real(watched->cpus > 0 ? watched->cpus : cell->profile->cpus));
	if (cell->profile->memory)
		json_object_set_new(record, "memory_limit",
				    json_integer((json_int_t)cell->profile->memory));
	if (bad) {
		json_object_set_new(record, "why", json_string(why));
	} else {
		figures = describe_figures(cell, watched, &ends);
		json_object_set_new(record, "events", describe_events(cell, &ends, figures));
		json_object_set_new(record, "figures", figures);
		json_object_set_new(record, "links", describe_links(setup));
		json_object_set_new(record, "rate_down", describe_rates(&ends.down));
		json_object_set_new(record, "rate_up", describe_rates(&ends.up));
		json_object_set_new(record, "delays_ms", describe_delays(&ends));
		add_bytes(record, watched, &ends);
		add_summary(record, figures, &ends, cell);
	}
	free_ends(&ends);
	return record;
}
