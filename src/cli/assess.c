/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet assess: the arguments of rivulet-assess(1), and what it says at the end. */
#include "assess/assess.h"
#include "assess/report.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "cli/assess_words.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define OUT          "rivulet-assess"
#define INTERRUPTED  130
#define DURATION_MAX (600 * NS_PER_S)

/* What is measured where nothing is named. */
struct extent {
	struct assess_words words;
	unsigned repetitions;
	uint64_t duration, budget; /* ns */
};

static const struct extent quick = {
	.words.scenarios = "pair,handover-silent",
	.words.workloads = "bulk-down,request",
	.words.profiles = "this",
	.repetitions = 3,
	.duration = 2 * NS_PER_S,
	.budget = 170 * NS_PER_S,
};

/* With four stacks there is time for three rounds, nearly so on a slow machine: fewer would tell nothing apart. */
static const struct extent usual = {
	.words.scenarios = "pair,lossy,handover-silent",
	.words.workloads = "bulk-down,request,messages,control",
	.words.profiles = "this,low-end",
	.repetitions = 5,
	.duration = 1500 * NS_PER_MS,
	.budget = (24 * 60 + 30) * NS_PER_S,
};

static const struct extent full = {
	.words.scenarios = "pair,asymmetric,lossy,stripped,edge,cloud,handover-silent,"
			   "handover-signalled,handover-return,walk,crowd",
	.words.workloads =
		"bulk-down,bulk-up,bulk-both,request,messages,short,crowd,offload,control",
	.words.profiles = "this,phone,pi,low-end,device",
	.repetitions = 3,
	.duration = 4 * NS_PER_S,
};

struct arguments {
	const struct extent *extent;
	struct assess_words words; /* NULL where nothing was said */
	const char *out;
	struct matrix matrix;
	bool dry_run, report_only, json;
};

enum {
	OPTION_QUICK = 1,
	OPTION_FULL,
	OPTION_SCENARIO,
	OPTION_WORKLOAD,
	OPTION_PROFILE,
	OPTION_STACK,
	OPTION_PROTOCOL,
	OPTION_REPETITIONS,
	OPTION_DURATION,
	OPTION_SEED,
	OPTION_OUT,
	OPTION_DRY_RUN,
	OPTION_REPORT,
	OPTION_JSON,
	OPTION_HELP
};

static const struct option options[] = {
	{"quick", no_argument, NULL, OPTION_QUICK},
	{"full", no_argument, NULL, OPTION_FULL},
	{"scenario", required_argument, NULL, OPTION_SCENARIO},
	{"workload", required_argument, NULL, OPTION_WORKLOAD},
	{"profile", required_argument, NULL, OPTION_PROFILE},
	{"stack", required_argument, NULL, OPTION_STACK},
	{"protocol", required_argument, NULL, OPTION_PROTOCOL},
	{"repetitions", required_argument, NULL, OPTION_REPETITIONS},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"out", required_argument, NULL, OPTION_OUT},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"report", no_argument, NULL, OPTION_REPORT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet assess [OPTION]...\n"
	"Measures TCP and MPTCP over each stack that this device can run, in emulated networks,\n"
	"and writes a report.\n"
	"\n"
	"  --quick           at most 3 minutes (the default: 25)\n"
	"  --full            everything; about a day\n"
	"  --out FOLDER      for results and report.html; " OUT " unless told. What it has\n"
	"                    already is not measured again\n"
	"  --scenario LIST   names or files, as rivulet lab takes them\n"
	"  --workload LIST   bulk-down, bulk-up, bulk-both, request, messages, short, crowd,\n"
	"                    offload, control\n"
	"  --profile LIST    this, phone, pi, low-end, device, or one of your own as in\n"
	"                    slow:cpu=30%,memory=128MB (which ends the list)\n"
	"  --stack LIST      of rivulet probe; all that can run unless told\n"
	"  --protocol LIST   tcp, mptcp\n"
	"  --repetitions N   how often each is measured, at most\n"
	"  --duration TIME   of one measurement, as in 4s\n"
	"  --seed N          decides the order and all that is drawn\n"
	"  --dry-run         say what would be measured, and how long it would take\n"
	"  --report          write the report anew from what was measured\n"
	"  --json            at the end, the summary as JSON\n";

static int fail(const struct err *err)
{
	fprintf(stderr, "rivulet assess: %s\n", err->text);
	return 1;
}

static const char *or_else(const char *said, const char *usual_words)
{
	return said ? said : usual_words;
}

/* What was said, and for the rest what the extent says. */
static int complete(struct arguments *args, struct assess_lists *lists, struct err *err)
{
	struct matrix *matrix = &args->matrix;
	const struct extent *extent = args->extent;
	const struct assess_words *said = &args->words;
	const struct assess_words words = {
		.scenarios = or_else(said->scenarios, extent->words.scenarios),
		.workloads = or_else(said->workloads, extent->words.workloads),
		.profiles = or_else(said->profiles, extent->words.profiles),
		.protocols = or_else(said->protocols, "tcp,mptcp"),
		.stacks = said->stacks,
		.profiles_named = said->profiles,
	};
	bool own = said->scenarios || said->workloads || said->profiles || matrix->repetitions ||
		   matrix->duration;

	if (!matrix->repetitions)
		matrix->repetitions = extent->repetitions;
	if (!matrix->duration)
		matrix->duration = extent->duration;
	/* Who says what to measure has it measured. */
	matrix->budget = own ? 0 : extent->budget;
	return assess_words_read(&words, lists, matrix, err);
}

static int show_plan(const struct matrix *matrix, struct err *err)
{
	unsigned count;
	_cleanup_free_ struct cell *cells = matrix_plan(matrix, &count);
	char key[CELL_KEY_MAX];

	for (unsigned i = 0; cells && i < count; i++)
		puts(cell_key(&cells[i], key));
	if (cells)
		printf("%u measurements, about %.0f min\n", count,
		       (double)matrix_estimate(cells, count) / (60.0 * NS_PER_S));
	return cells ? 0 : assess_nothing(err);
}

static int measure(struct arguments *args, struct results *results, const char *folder,
		   struct err *err)
{
	struct assess_options all = {
		.matrix = &args->matrix, .results = results, .folder = folder, .progress = stderr};
	struct assess_done done;
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int code;

	if (length < 0)
		return err_set(err, -errno,
			       "this program's own file is unknown: is /proc mounted?");
	self[length] = 0;
	all.self = self;
	code = assess(&all, &done, err);
	if (code == 0 || code == -EINTR)
		fprintf(stderr, "rivulet assess: %u measured, %u were there already%s\n",
			done.measured, done.had,
			code == -EINTR ? "; interrupted: the same command goes on with the rest"
			: done.left ? "; the time is over: the same command goes on with the rest"
				    : "");
	if (done.failed)
		fprintf(stderr, "rivulet assess: %u of them failed; the report says why\n",
			done.failed);
	return code;
}

static int run(struct arguments *args, struct err *err)
{
	_cleanup_(results_close) struct results results;
	char folder[PATH_MAX];
	int code = results_open(args->out, !args->report_only, &results, err), interrupted = 0;

	if (code < 0)
		return code;
	if (!realpath(args->out, folder))
		return err_set(err, -errno, "%s: %s", args->out, strerror(errno));
	if (!args->report_only)
		code = interrupted = measure(args, &results, folder, err);
	if (code == -EINTR)
		code = 0;
	if (code == 0)
		code = report_write(results.all, folder, err);
	if (code == 0)
		fprintf(args->json ? stderr : stdout, "report: %s/" REPORT_FILE "\n", folder);
	if (code == 0 && args->json && report_print_json(results.all, stdout) < 0)
		code = err_set(err, -EIO, "the summary cannot be written");
	return code < 0 ? code : interrupted;
}

static int take_number(const char *text, const char *option, uint64_t most, uint64_t *ret,
		       struct err *err)
{
	int code = units_parse_count(text, ret, err);

	if (code == 0 && (*ret < 1 || *ret > most))
		return err_set(err, -ERANGE, "%s takes 1 to %" PRIu64, option, most);
	return code < 0 ? err_prefix(err, code, "%s", option) : 0;
}

static int take(struct arguments *args, int option, struct err *err)
{
	uint64_t number;
	int code = 0;

	switch (option) {
	case OPTION_QUICK:
		args->extent = &quick;
		break;
	case OPTION_FULL:
		args->extent = &full;
		break;
	case OPTION_SCENARIO:
		args->words.scenarios = optarg;
		break;
	case OPTION_WORKLOAD:
		args->words.workloads = optarg;
		break;
	case OPTION_PROFILE:
		args->words.profiles = optarg;
		break;
	case OPTION_STACK:
		args->words.stacks = optarg;
		break;
	case OPTION_PROTOCOL:
		args->words.protocols = optarg;
		break;
	case OPTION_REPETITIONS:
		code = take_number(optarg, "--repetitions", 1000, &number, err);
		if (code == 0)
			args->matrix.repetitions = (unsigned)number;
		break;
	case OPTION_DURATION:
		code = units_parse_time(optarg, &args->matrix.duration, err);
		if (code == 0 &&
		    (args->matrix.duration < NS_PER_S / 10 || args->matrix.duration > DURATION_MAX))
			code = err_set(err, -ERANGE, "--duration is 100ms to 10min");
		break;
	case OPTION_SEED:
		code = units_parse_count(optarg, &args->matrix.seed, err);
		break;
	case OPTION_OUT:
		args->out = optarg;
		break;
	case OPTION_DRY_RUN:
		args->dry_run = true;
		break;
	case OPTION_REPORT:
		args->report_only = true;
		break;
	case OPTION_JSON:
		args->json = true;
		break;
	}
	return code;
}

int cmd_assess(int argc, char **argv)
{
	struct arguments args = {.extent = &usual, .out = OUT, .matrix = {.seed = 1}};
	struct assess_lists lists = {0};
	struct err err = {0};
	int option, code = 0;
	bool wrong;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPTION_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (option == '?')
			return say_try_help("assess");
		code = take(&args, option, &err);
	}
	if (code < 0) {
		fail(&err);
		return 2;
	}
	if (optind < argc)
		return say_no_option("assess", argv[optind]);
	if (!args.report_only)
		code = complete(&args, &lists, &err);
	wrong = code < 0 && code != -ENOTSUP && code != -ENOMEM;
	if (code == 0 && args.dry_run)
		code = show_plan(&args.matrix, &err);
	else if (code == 0)
		code = run(&args, &err);
	assess_lists_free(&lists, &args.matrix);
	if (code == -EINTR)
		return INTERRUPTED;
	if (code < 0)
		fail(&err);
	return wrong ? USAGE : code < 0 ? 1 : code;
}
