/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet lab run` and `rivulet lab shell`. */
#include "base/cleanup.h"
#include "base/units.h"
#include "cli/lab.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

struct arguments {
	const char *scenario, *on, *samples, *stats_file;
	bool stats, json, verbose, seeded;
	const char **also; /* "HOST: COMMAND", owned with room for all */
	unsigned also_count;
	struct lab_options options;
};

static const struct option long_options[] = {
	{"on", required_argument, NULL, 'o'},
	{"also", required_argument, NULL, 'a'},
	{"pcap", required_argument, NULL, 'p'},
	{"stats", optional_argument, NULL, 's'},
	{"samples", required_argument, NULL, 'S'},
	{"json", no_argument, NULL, 'j'},
	{"seed", required_argument, NULL, 'n'},
	{"wire", required_argument, NULL, 'w'},
	{"from-traffic", no_argument, NULL, 'f'},
	{"verbose", no_argument, NULL, 'v'},
	{0},
};

/* As a scenario has it. */
static int take_seed(struct arguments *args, const char *text)
{
	struct err err = {0};

	args->seeded = true;
	if (units_parse_count(text, &args->options.seed, &err) < 0)
		return lab_complain(LAB_FAILED, "--seed: %s", err.text);
	return 0;
}

/* One option, or an argument (c == 1) before "--". */
static int take(struct arguments *args, int c, const char *value)
{
	switch (c) {
	case 1:
		if (args->scenario)
			return lab_complain(LAB_FAILED, "'%s': write '--' in front of the command",
					    value);
		args->scenario = value;
		return 0;
	case 'o':
		args->on = value;
		return 0;
	case 'a':
		args->also[args->also_count++] = value;
		return 0;
	case 'p':
		args->options.pcap_folder = value;
		return 0;
	case 's':
		args->stats = true;
		args->stats_file = value;
		return 0;
	case 'S':
		args->samples = value;
		return 0;
	case 'j':
		args->stats = args->json = true;
		return 0;
	case 'n':
		return take_seed(args, value);
	case 'w':
		args->options.wire = value;
		return 0;
	case 'f':
		args->options.from_traffic = true;
		return 0;
	case 'v':
		args->verbose = true;
		return 0;
	default:
		return LAB_FAILED; /* getopt has said why */
	}
}

static int find_host(const struct scenario *scenario, const char *name, const char *option,
		     unsigned *ret)
{
	int host = scenario_find_host(scenario, name);

	if (host < 0)
		return lab_complain(LAB_FAILED,
				    "%s: scenario %s has no host '%s'; `rivulet lab show` lists "
				    "its hosts",
				    option, scenario->path, name);
	*ret = (unsigned)host;
	return 0;
}

/* "HOST: COMMAND" */
static int take_also(const struct scenario *scenario, const char *text, struct lab_also *ret)
{
	size_t length = strcspn(text, ":");
	_cleanup_free_ char *host = strndup(text, length);

	if (!host)
		return lab_complain(LAB_FAILED, "out of memory");
	if (!text[length])
		return lab_complain(LAB_FAILED, "--also '%s': write 'HOST: COMMAND'", text);
	ret->command = text + length + 1;
	ret->command += strspn(ret->command, " ");
	return find_host(scenario, host, "--also", &ret->host);
}

static int print_stats(const struct arguments *args, const struct scenario *scenario,
		       const struct lab_result *result, FILE *out)
{
	int code = 0;

	errno = EIO; /* where an earlier write is what failed */
	if (args->json)
		code = lab_print_stats_json(scenario, result, out);
	else
		lab_print_stats(scenario, result, out);
	if (code < 0 || ferror(out) || fflush(out) != 0)
		return lab_complain(LAB_FAILED, "%s cannot be written: %s",
				    args->stats_file ? args->stats_file : "--stats",
				    strerror(errno));
	return 0;
}

static int run(struct arguments *args, const struct scenario *scenario)
{
	_cleanup_free_ struct lab_also *also = calloc(args->also_count + 1, sizeof(*also));
	_cleanup_fclose_ FILE *stats = NULL;
	_cleanup_close_ int samples = -1;
	_cleanup_(lab_result_free) struct lab_result result = {0};
	struct err err = {0};
	int code = 0;

	if (!also)
		return lab_complain(LAB_FAILED, "out of memory");
	if (args->on)
		code = find_host(scenario, args->on, "--on", &args->options.host);
	for (unsigned i = 0; !code && i < args->also_count; i++)
		code = take_also(scenario, args->also[i], &also[i]);
	if (code)
		return code;
	if (args->samples) {
		samples = open(args->samples, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (samples < 0)
			return lab_complain(LAB_FAILED, "%s cannot be written: %s", args->samples,
					    strerror(errno));
	}
	/* Before the command, which may take long. */
	if (args->stats_file) {
		stats = fopen(args->stats_file, "we");
		if (!stats)
			return lab_complain(LAB_FAILED, "%s cannot be written: %s",
					    args->stats_file, strerror(errno));
	}
	args->options.also = also;
	args->options.also_count = args->also_count;
	args->options.samples = samples;
	if (!args->seeded)
		args->options.seed = scenario->seed;
	code = lab_run(scenario, &args->options, &result, &err);
	if (args->verbose && *result.note.text)
		lab_complain(0, "note: %s", result.note.text);
	if (args->verbose && *result.wire)
		lab_complain(0, "note: wires are of kind %s", result.wire);
	if (code < 0)
		return lab_complain(LAB_FAILED, "%s", *err.text ? err.text : strerror(-code));
	if (*err.text)
		lab_complain(0, "%s", err.text);
	if (*result.lost.text)
		lab_complain(0, "%s", result.lost.text);
	if (args->stats && print_stats(args, scenario, &result, stats ? stats : stderr))
		return LAB_FAILED;
	return *result.lost.text ? LAB_FAILED : code;
}

static int run_command(int argc, char **argv, char *const *command)
{
	_cleanup_scenario_ struct scenario *scenario = NULL;
	_cleanup_free_ const char **also = calloc((size_t)argc, sizeof(*also));
	struct arguments args = {.also = also};
	struct err err = {0};
	int c, code = 0;

	if (!also)
		return lab_complain(LAB_FAILED, "out of memory");
	while (!code && (c = getopt_long(argc, argv, "-", long_options, NULL)) != -1)
		code = take(&args, c, optarg);
	if (code)
		return code;
	args.options.argv = command ? command : argv + optind;
	if (command && optind < argc)
		return lab_complain(LAB_FAILED, "lab shell takes no command: see lab run");
	if (!args.scenario || !args.options.argv[0])
		return lab_complain(LAB_FAILED,
				    "usage: rivulet lab %s; `rivulet lab --help` says more",
				    command ? "shell SCENARIO [OPTION...]"
					    : "run SCENARIO [OPTION...] -- COMMAND...");
	if (lab_find_scenario(args.scenario, &scenario, &err) < 0)
		return lab_complain(LAB_FAILED, "%s", err.text);
	return run(&args, scenario);
}

int lab_cmd_run(int argc, char **argv)
{
	return run_command(argc, argv, NULL);
}

int lab_cmd_shell(int argc, char **argv)
{
	const char *shell = getenv("SHELL");
	char *const command[] = {(char *)(shell && *shell ? shell : "/bin/sh"), NULL};

	return run_command(argc, argv, command);
}
