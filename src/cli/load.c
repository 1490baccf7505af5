/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rivulet load`: the programs that `rivulet assess` puts into its labs, and nobody else starts.
 *
 *   enter  becomes a member of the cell's control groups, takes the device's processor, writes down when the cell begins, and
 *          becomes another program
 *   emulate  runs another program on an emulated device
 *   boot   is the first process of such a device
 *   serve  the server of a workload
 *   play   its client
 */
#include "assess/load.h"
#include "assess/emulated.h"
#include "assess/meter.h"
#include "assess/processor.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/lab.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#define DOORS_MAX 8

struct arguments {
	struct load load;
	const char *scenario;
	int doors[DOORS_MAX];
	unsigned door_count;
	int cpu; /* -1: any */
};

enum {
	OPTION_FOLDER = 1,
	OPTION_ADDRESS,
	OPTION_WORKLOAD,
	OPTION_SEED,
	OPTION_DURATION,
	OPTION_DEVICE,
	OPTION_DOOR,
	OPTION_CPU,
	OPTION_SCENARIO
};

static const struct option options[] = {
	{"folder", required_argument, NULL, OPTION_FOLDER},
	{"address", required_argument, NULL, OPTION_ADDRESS},
	{"workload", required_argument, NULL, OPTION_WORKLOAD},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"device", required_argument, NULL, OPTION_DEVICE},
	{"door", required_argument, NULL, OPTION_DOOR},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"scenario", required_argument, NULL, OPTION_SCENARIO},
	{0},
};

static int complain(const struct err *err)
{
	fprintf(stderr, "rivulet load: %s\n", err->text);
	return 1;
}

static int take(struct arguments *args, int option, struct err *err)
{
	uint64_t number;
	int code = 0;

	switch (option) {
	case OPTION_FOLDER:
		args->load.folder = optarg;
		return 0;
	case OPTION_ADDRESS:
		args->load.address = optarg;
		return 0;
	case OPTION_WORKLOAD:
		args->load.workload = workload_find(optarg);
		return args->load.workload ? 0 : err_set(err, -ENOENT, "no workload '%s'", optarg);
	case OPTION_SEED:
		return units_parse_count(optarg, &args->load.seed, err);
	case OPTION_DURATION:
		return units_parse_time(optarg, &args->load.duration, err);
	case OPTION_DEVICE:
		args->load.device = optarg;
		return 0;
	case OPTION_SCENARIO:
		args->scenario = optarg;
		return 0;
	case OPTION_DOOR:
	case OPTION_CPU:
		code = units_parse_count(optarg, &number, err);
		if (code == 0 && (number > INT_MAX || args->door_count == DOORS_MAX))
			return err_set(err, -EINVAL, "'%s' is too much", optarg);
		if (code == 0 && option == OPTION_DOOR)
			args->doors[args->door_count++] = (int)number;
		else if (code == 0)
			args->cpu = (int)number;
		return code;
	default:
		return err_set(err, -EINVAL, "it is for `rivulet assess` alone");
	}
}

static int enter(const struct arguments *args, char **command, struct err *err)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	cpu_set_t cpus;

	for (unsigned i = 0; i < args->door_count; i++) {
		if (write(args->doors[i], "0", 1) != 1)
			return err_set(err, -errno, "the control group cannot be entered: %s",
				       strerror(errno));
		close(args->doors[i]);
	}
	CPU_ZERO(&cpus);
	if (args->cpu >= 0) {
		CPU_SET((size_t)args->cpu, &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
		processor_attract((unsigned)args->cpu);
	}
	snprintf(path, sizeof(path), "%s/" LOAD_START, args->load.folder);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%" PRIu64 "\n", meter_clock()) < 0 ||
	    fclose(steal_ptr(file)) != 0)
		return err_set(err, -EIO, "%s cannot be written", path);
	execv(command[0], command);
	return err_set(err, -errno, "%s: %s", command[0], strerror(errno));
}

static int emulate(const struct arguments *args, char **command, struct err *err)
{
	_cleanup_scenario_ struct scenario *scenario = NULL;
	char path[PATH_MAX];
	int code;

	if (!args->scenario || !realpath(args->scenario, path))
		return err_set(err, -ENOENT, "there is no scenario '%s'", args->scenario ?: "");
	code = scenario_load(path, &scenario, err);
	if (code < 0)
		return code;
	return emulated_run(&(struct emulated){.folder = args->load.folder,
					       .scenario = scenario,
					       .command = command},
			    err);
}

int cmd_load(int argc, char **argv)
{
	struct arguments args = {.cpu = -1};
	const char *role = argc > 1 ? argv[1] : "";
	bool has_command = strcmp(role, "enter") == 0 || strcmp(role, "emulate") == 0;
	bool is_first = strcmp(role, "boot") == 0 && getpid() == 1;
	struct err err = {0};
	int option, code = 0;

	if (argc < 2)
		return 2;
	argv++;
	argc--;
	while (code == 0 && (option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		code = take(&args, option, &err);
	if (code < 0)
		return complain(&err);
	if (!args.load.folder || (has_command ? optind == argc : !args.load.address && !is_first))
		code = err_set(&err, -EINVAL, "it is for `rivulet assess` alone");
	if (code == 0 && is_first)
		emulated_boot(args.load.folder);
	if (code == 0 && strcmp(role, "enter") == 0)
		code = enter(&args, argv + optind, &err);
	else if (code == 0 && has_command)
		code = emulate(&args, argv + optind, &err);
	else if (code == 0 && strcmp(role, "serve") == 0)
		code = load_serve(&args.load, &err);
	else if (code == 0 && strcmp(role, "play") == 0 && args.load.workload)
		code = load_play(&args.load, &err);
	else if (code == 0)
		code = err_set(&err, -EINVAL, "it is for `rivulet assess` alone");
	return code < 0 ? complain(&err) : code;
}
