/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet choose: which stack fits, with the numbers and the reasons. */
#include "choose/choose.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "choose/regret.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <getopt.h>
#include <string.h>

enum {
	OPTION_FOR = 1,
	OPTION_MEMORY,
	OPTION_CPU,
	OPTION_SCENARIO,
	OPTION_MEASURED,
	OPTION_REGRET,
	OPTION_JSON,
	OPTION_HELP
};

static const struct option options[] = {
	{"for", required_argument, NULL, OPTION_FOR},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"scenario", required_argument, NULL, OPTION_SCENARIO},
	{"measured", required_argument, NULL, OPTION_MEASURED},
	{"regret", required_argument, NULL, OPTION_REGRET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet choose --for APPLICATION [OPTION]...\n"
	"Says which stack and protocol fit this device and an application, by what was measured.\n"
	"\n"
	"  --for KIND         bulk, interactive, messages, background, offload\n"
	"  --memory SIZE      that it may take, as in 64MB; what there is unless told\n"
	"  --cpu SHARE        processors' time that it may take, as in 10% or 1.5\n"
	"  --scenario NAME    the network is like this one of rivulet lab; unless told, like any\n"
	"  --measured FILE    by rivulet assess on this device: its folder, or a summary.json;\n"
	"                     rivulet-assess unless told\n"
	"  --regret FILE      judge choices: how much they lose where FILE's own measurements of\n"
	"                     a place are held out\n"
	"  --json             as one JSON object in one line\n";

static int fail(const struct err *err)
{
	fprintf(stderr, "rivulet choose: %s\n", err->text);
	return 1;
}

static void print_number(double value, double scale, const char *unit)
{
	if (value > 0)
		printf(" %9.3g %-6s", value * scale, unit);
	else
		printf(" %9s %-6s", "-", "");
}

static void print_choice(const struct choice *choice)
{
	printf("  %-7s %-6s", choice->stack->name, choice->mptcp ? "mptcp" : "tcp");
	print_number(choice->goodput, 1e-6, "Mbit/s");
	print_number(choice->delay, 1, "ms");
	print_number(choice->stall, 1, "s");
	print_number(choice->cpu_per_gb, 1, "s/GB");
	print_number(choice->memory, 1e-6, "MB");
	if (!choice->can_run)
		printf("  cannot run: %s", choice->why.text);
	else if (!choice->score)
		fputs("  nothing was measured that tells", stdout);
	else if (!choice->fits)
		fputs("  more memory than there is", stdout);
	else
		fputs(choice->own ? "  measured here" : "  expected", stdout);
	putchar('\n');
}

static bool is_eligible(const struct choice *choice)
{
	return choice->can_run && choice->fits && choice->score > 0;
}

static void print_reasons(const struct choices *choices)
{
	const struct choice *best = &choices->all[0], *next = &choices->all[1];

	if (!choices->count || !is_eligible(best)) {
		puts("No choice: nothing that can run here was measured for this.");
		return;
	}
	printf("Choice: %s over stack %s%s", best->mptcp ? "MPTCP" : "TCP", best->stack->name,
	       best->bare ? " (the program by itself, without rivulet)" : "");
	if (choices->count > 1 && is_eligible(next))
		printf(": %.2f times as good as %s over %s%s", best->score / next->score,
		       next->mptcp ? "MPTCP" : "TCP", next->stack->name,
		       best->score < next->score ? ", and takes less of the processor" : "");
	puts(".");
	if (choices->count > 1 && is_eligible(next) && next->cpu_per_gb > 0 && best->cpu_per_gb > 0)
		printf("It takes %.2f times as much of the processor for a byte.\n",
		       best->cpu_per_gb / next->cpu_per_gb);
	for (unsigned i = 0; i < choices->count; i++) {
		const struct choice *other = &choices->all[i];

		if (other->score > best->score && !is_eligible(other))
			printf("%s over %s would be %.2f times as good, but %s.\n",
			       other->mptcp ? "MPTCP" : "TCP", other->stack->name,
			       other->score / best->score,
			       other->can_run ? "needs more memory than there is"
					      : other->why.text);
	}
}

static void print_table(const struct choose_query *query, const struct choices *choices)
{
	printf("For %s (%s); by: %s.\n", query->application->name, query->application->summary,
	       query->application->score);
	for (unsigned i = 0; i < 2; i++)
		if (choices->sources[i][0])
			printf("%s %s\n",
			       i ? "Shipped measurements:" : "Measured here:", choices->sources[i]);
	if (choices->sources[1][0] && choices->profile[0])
		printf("Among those, this device is most like profile %s.\n", choices->profile);
	puts("\n  stack   proto    goodput        delay, p95       stall            processor      "
	     "  "
	     "memory");
	for (unsigned i = 0; i < choices->count; i++)
		print_choice(&choices->all[i]);
	putchar('\n');
	print_reasons(choices);
}

static json_t *value(double number)
{
	return number > 0 ? json_real(number) : json_null();
}

static json_t *source(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static int print_json(const struct choose_query *query, const struct choices *choices)
{
	json_t *all = json_array(), *root;

	for (unsigned i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->all[i];

		json_array_append_new(
			all,
			json_pack("{ss ss sb sb sb sb ss* so so so so so so}", "stack",
				  choice->stack->name, "protocol", choice->mptcp ? "mptcp" : "tcp",
				  "by_itself", choice->bare, "can_run", choice->can_run, "fits",
				  choice->fits, "measured_here", choice->own, "why",
				  choice->can_run ? NULL : choice->why.text, "score",
				  value(choice->score), "goodput", value(choice->goodput),
				  "delay_p95_ms", value(choice->delay), "stall_s",
				  value(choice->stall), "cpu_s_per_gb", value(choice->cpu_per_gb),
				  "memory_bytes", value(choice->memory)));
	}
	root = json_pack("{ss ss so so ss so}", "for", query->application->name, "score_is",
			 query->application->score, "here", source(choices->sources[0]), "shipped",
			 source(choices->sources[1]), "profile", choices->profile, "choices", all);
	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(root);
	return 0;
}

/* The stack that programs have without us. */
static const char *own_stack(void)
{
	for (unsigned i = 0; stacks[i]; i++)
		if (stacks[i]->own_tcp)
			return stacks[i]->name;
	return "";
}

static int judge(const char *path, bool json, struct err *err)
{
	struct measurements measurements = {0};
	struct regret regret;
	int code = measurements_load(path, &measurements, err);

	if (code < 0)
		return code;
	regret_of(&measurements, own_stack(), &regret);
	if (json) {
		json_t *described = regret_describe(&regret);

		say_json(described);
		json_decref(described);
	} else {
		printf("%u combinations of profile, application and scenario (%u of them without "
		       "native MPTCP; the best fixed rule, %s first, misses the best of %u)\n"
		       "best and second told apart in %u: chosen within 5 %% of the best in %u\n"
		       "lost on average: %.1f %% by choosing, %.1f %% by the best fixed rule; the "
		       "worst choice gave %.0f %% of the best%s%s%s\n",
		       regret.combinations, regret.forbidden, regret.rule, regret.missed,
		       regret.separate, regret.close, regret.mean * 100, regret.fixed_mean * 100,
		       regret.worst * 100, *regret.worst_at ? " (" : "", regret.worst_at,
		       *regret.worst_at ? ")" : "");
	}
	measurements_free(&measurements);
	return 0;
}

static int take_share(const char *text, double *ret, struct err *err)
{
	char *end;

	*ret = strtod(text, &end);
	if (strcmp(end, "%") == 0) {
		*ret /= 100;
		end++;
	}
	if (end == text || *end || !(*ret > 0 && *ret <= 4096))
		return err_set(err, -EINVAL, "--cpu '%s': write 10%%, or 0.1, or 1.5", text);
	return 0;
}

static int take(struct choose_query *query, int option, struct err *err)
{
	uint64_t bytes;
	int code = 0;

	switch (option) {
	case OPTION_FOR:
		query->application = application_find(optarg);
		if (!query->application)
			code = err_set(
				err, -EINVAL,
				"--for '%s': bulk, interactive, messages, background, offload",
				optarg);
		break;
	case OPTION_MEMORY:
		code = units_parse_bytes(optarg, &bytes, err);
		if (code == 0 && bytes == 0)
			code = err_set(err, -ERANGE, "nothing runs in no memory");
		if (code < 0)
			err_prefix(err, code, "--memory");
		else
			query->memory = (double)bytes;
		break;
	case OPTION_CPU:
		code = take_share(optarg, &query->cpus, err);
		break;
	case OPTION_SCENARIO:
		query->scenario = optarg;
		break;
	case OPTION_MEASURED:
		query->measured = optarg;
		break;
	}
	return code;
}

int cmd_choose(int argc, char **argv)
{
	struct choose_query query = {0};
	const char *regret = NULL;
	struct choices choices;
	struct err err = {0};
	bool json = false;
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		case '?':
			return say_try_help("choose");
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_REGRET:
			regret = optarg;
			break;
		default:
			code = take(&query, option, &err);
		}
	}
	if (code == 0 && optind < argc)
		return say_no_option("choose", argv[optind]);
	if (code == 0 && !regret && !query.application)
		code = err_set(&err, -EINVAL,
			       "what for? --for bulk, interactive, messages, "
			       "background or offload; --help says more");
	if (code < 0) {
		fail(&err);
		return 2;
	}
	if (regret || !query.application)
		return judge(regret, json, &err) < 0 ? fail(&err) : 0;
	code = choose(&query, &choices, &err);
	if (code < 0)
		return fail(&err);
	if (json)
		return print_json(&query, &choices);
	print_table(&query, &choices);
	return 0;
}
