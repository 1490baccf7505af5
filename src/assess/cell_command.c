/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a cell: what `rivulet lab run` is told. */
#include "assess/cell_files.h"

#include "assess/load.h"
#include "base/cleanup.h"
#include "stack/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>

#define WORDS_MAX 96

struct words {
	char *all[WORDS_MAX];
	unsigned count;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *fmt, ...)
{
	char *word = NULL;
	va_list args;

	va_start(args, fmt);
	if (words->count + 1 == WORDS_MAX || vasprintf(&word, fmt, args) < 0)
		words->failed = true;
	else
		words->all[words->count++] = word;
	va_end(args);
}

/* One line for sh(1), the caller's. */
static char *quote(const struct words *words)
{
	_cleanup_fclose_ FILE *out = NULL;
	char *text = NULL;
	size_t size;

	out = open_memstream(&text, &size);
	for (unsigned i = 0; out && i < words->count; i++) {
		fputs(i ? " '" : "'", out);
		for (const char *at = words->all[i]; *at; at++)
			if (*at == '\'')
				fputs("'\\''", out);
			else
				fputc(*at, out);
		fputc('\'', out);
	}
	if (out)
		fclose(steal_ptr(out));
	return text;
}

static unsigned server_of(const struct scenario *scenario)
{
	int named = scenario_find_host(scenario, "server");

	return named >= 0 ? (unsigned)named : scenario->host_count - 1;
}

/* An address of @host, IPv4 if it has one: on @link if it is there, else on the first link that it has. */
static const struct address *address_of(const struct scenario *scenario, unsigned host, int link)
{
	const struct address *found = NULL;

	for (unsigned i = 0; i < 2 * scenario->link_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];

		for (unsigned j = 0; end->host == host && j < end->address_count; j++) {
			const struct address *address = &end->addresses[j];

			if (address->family == AF_INET && (int)(i / 2) == link)
				return address;
			if (!found || (address->family == AF_INET && found->family != AF_INET))
				found = address;
		}
	}
	return found;
}

/* The device of host 0 at @link. */
static const char *device_of(const struct scenario *scenario, int link)
{
	for (unsigned i = 0; link >= 0 && i < 2; i++)
		if (scenario->links[link].ends[i].host == 0)
			return scenario->links[link].ends[i].name;
	return NULL;
}

static void add_load(struct words *words, const struct cell *cell, const struct cell_setup *setup,
		     const char *role)
{
	const struct scenario *scenario = cell->scenario->scenario;
	const struct address *server = address_of(scenario, server_of(scenario), cell->link);
	const char *device = device_of(scenario, cell->link);
	char address[ADDRESS_TEXT_MAX] = "";

	if (server)
		address_text(server, address);
	add(words, "%s", setup->self);
	add(words, "load");
	add(words, "%s", role);
	add(words, "--folder=%s", setup->folder);
	add(words, "--address=%s", address);
	if (strcmp(role, "serve") == 0)
		return;
	add(words, "--workload=%s", cell->workload->name);
	add(words, "--seed=%" PRIu64, setup->seed + cell->repetition * 1000);
	add(words, "--duration=%llums", cell->duration / NS_PER_MS);
	if (device)
		add(words, "--device=%s", device);
}

static char *serving(const struct cell *cell, const struct cell_setup *setup)
{
	const struct scenario *scenario = cell->scenario->scenario;
	_cleanup_free_ char *line = NULL;
	struct words words = {0};
	char *text = NULL;

	if (cell->protocol == CELL_MPTCP) {
		add(&words, "%s", setup->self);
		add(&words, "run");
		add(&words, "--quiet");
		add(&words, "--");
	}
	add_load(&words, cell, setup, "serve");
	line = quote(&words);
	for (unsigned i = 0; i < words.count; i++)
		free(words.all[i]);
	if (!line ||
	    asprintf(&text, "%s: exec %s", scenario->hosts[server_of(scenario)].name, line) < 0)
		return NULL;
	return text;
}

int cell_cpu(const struct profile *profile)
{
	cpu_set_t usable;
	int last = -1;

	if (((profile->cpus <= 0 || profile->cpus > 1) && !profile->emulated) ||
	    sched_getaffinity(0, sizeof(usable), &usable) < 0 || CPU_COUNT(&usable) < 2)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &usable))
			last = i;
	return last;
}

/* A kernel that the program runs inside has its memory told: half of what there is, if that is less than it takes by itself. */
static void add_memory(struct words *words, const struct cell *cell)
{
	const struct stack_machine *machine = cell->stack->machine;
	uint64_t half = cell->profile->memory / 2;

	if (!machine || !half || half >= machine->memory)
		return;
	add(words, "--memory=%" PRIu64, half > machine->memory_min ? half : machine->memory_min);
}

char **cell_command(const struct cell *cell, const struct cell_setup *setup, int cpu,
		    const int *doors, unsigned door_count)
{
	struct words words = {0};
	_cleanup_free_ char *server = serving(cell, setup);
	bool bare = cell->protocol == CELL_TCP && cell->stack->own_tcp;
	char **ret;

	add(&words, "%s", setup->self);
	add(&words, "lab");
	add(&words, "run");
	add(&words, "%s", cell->scenario->scenario->path);
	add(&words, "--seed=%" PRIu64, setup->seed + cell->repetition);
	add(&words, "--samples=%s/" CELL_SAMPLES, setup->folder);
	add(&words, "--stats=%s/" CELL_STATS, setup->folder);
	add(&words, "--json");
	add(&words, "--from-traffic");
	if (cell->workload->talk != TALK_NONE && server)
		add(&words, "--also=%s", server);
	add(&words, "--");
	add(&words, "%s", setup->self);
	add(&words, "load");
	add(&words, "enter");
	add(&words, "--folder=%s", setup->folder);
	for (unsigned i = 0; i < door_count; i++)
		add(&words, "--door=%d", doors[i]);
	if (cpu >= 0)
		add(&words, "--cpu=%d", cpu);
	add(&words, "--");
	if (cell->profile->emulated) {
		add(&words, "%s", setup->self);
		add(&words, "load");
		add(&words, "emulate");
		add(&words, "--folder=%s", setup->folder);
		add(&words, "--scenario=%s", cell->scenario->scenario->path);
		add(&words, "--");
	}
	if (!bare && cell->workload->talk != TALK_NONE) {
		add(&words, "%s", setup->self);
		add(&words, "run");
		add(&words, "--quiet");
		add(&words, "--stack=%s", cell->stack->name);
		add_memory(&words, cell);
		add(&words, "--report=%s/" CELL_RUN, setup->folder);
		add(&words, "--");
	}
	add_load(&words, cell, setup, "play");
	ret = words.failed || !server ? NULL : calloc(words.count + 1, sizeof(*ret));
	for (unsigned i = 0; i < words.count; i++)
		if (ret)
			ret[i] = words.all[i];
		else
			free(words.all[i]);
	return ret;
}

void cell_command_free(char **command)
{
	for (char **word = command; word && *word; word++)
		free(*word);
	free(command);
}
