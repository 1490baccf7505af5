/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet run: the arguments of rivulet-run(1), and nothing else. */
#include "run/run.h"

#include "base/units.h"
#include "choose/choose.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/say.h"
#include "cli/via.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_STACK = 1,
	OPTION_FOR,
	OPTION_EXPLAIN,
	OPTION_DRY_RUN,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_MEMORY,
	OPTION_PORTS,
	OPTION_AS_ROOT,
	OPTION_REPORT,
	OPTION_HELP
};

static const struct option options[] = {
	{"stack", required_argument, NULL, OPTION_STACK},
	{"for", required_argument, NULL, OPTION_FOR},
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"json", no_argument, NULL, OPTION_JSON},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"ports", required_argument, NULL, OPTION_PORTS},
	{"as-root", no_argument, NULL, OPTION_AS_ROOT},
	POLICY_OPTIONS,
	VIA_OPTIONS,
	{"report", required_argument, NULL, OPTION_REPORT},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet run [OPTION]... -- PROGRAM [ARGUMENT]...\n"
	"Runs PROGRAM, unmodified, with all links of this device: every TCP socket that it\n"
	"makes is an MPTCP one, and every usable link carries a subflow.\n"
	"\n"
	"  --stack NAME   which stack: native (MPTCP of this kernel, the default), host (its "
	"plain\n"
	"                 TCP, the program's sockets relayed), lkl (MPTCP of a kernel that is a\n"
	"                 library, relayed), uml (MPTCP of a kernel that PROGRAM runs inside);\n"
	"                 rivulet probe lists them\n"
	"                 auto: the one that fits what --for says, see rivulet choose\n"
	"  --for KIND     bulk, interactive, messages, background, offload\n" POLICY_USAGE VIA_USAGE
	"  --explain      say what was decided and why, and each change to the host\n"
	"  --dry-run      say what would be done, and start nothing\n"
	"  --json         the summary at the end as JSON\n"
	"  --report FILE  write the summary as JSON to FILE\n"
	"  --quiet        no summary and no notes\n"
	"  --memory SIZE  of a kernel that comes with the stack: 128MiB (uml), 64MiB (lkl) unless\n"
	"                 told\n"
	"  --ports WAY    how its kernel gets at the links: shared (the host's own addresses,\n"
	"                 some of its ports; where that can be) or nat (behind the host)\n"
	"  --verbose      show what such a kernel says\n"
	"  --as-root      under sudo: run PROGRAM as root, not as the user who called sudo\n"
	"\n"
	"The exit code is PROGRAM's; 125 is a failure of rivulet, 126 a PROGRAM that cannot\n"
	"be executed, 127 one that is not found.\n";

static int fail(const struct err *err)
{
	fprintf(stderr, "rivulet: %s\n", err->text);
	return RUN_FAILED;
}

/* NULL: said why. */
static const struct stack_ops *find_stack(const char *name)
{
	const struct stack_ops *stack = stack_find(name);

	if (!stack) {
		fprintf(stderr, "rivulet: there is no stack '%s': ", name);
		for (unsigned i = 0; stacks[i]; i++)
			fprintf(stderr, "%s%s", i ? ", " : "", stacks[i]->name);
		fputc('\n', stderr);
	}
	return stack;
}

/* False: said why. */
static bool find_ports(const char *name, enum port_kind *ret)
{
	for (unsigned i = 0; i < PORT_KINDS; i++) {
		if (strcmp(name, port_ways[i]->name) == 0) {
			*ret = i;
			return true;
		}
	}
	fprintf(stderr, "rivulet: --ports is shared or nat, not '%s'\n", name);
	return false;
}

/* What is measured to be best for @application; NULL: nothing is known, and the usual one will do. -errno: no choice can be
 * made. */
static int choose_one(const char *application, const struct run_options *run,
		      const struct stack_ops **ret, struct err *err)
{
	struct choose_query query = {.application =
					     application_find(application ? application : "")};
	const struct choice *best;
	struct choices choices;
	int code;

	if (!query.application)
		return err_set(err, -EINVAL,
			       "--stack auto has to know what for: --for bulk, interactive, "
			       "messages, background or offload");
	code = choose(&query, &choices, err);
	if (code < 0)
		return code;
	best = choose_stack(&choices);
	*ret = best ? best->stack : NULL;
	if (run->explain || (!best && !run->quiet))
		fprintf(stderr, "rivulet: %s for %s: %s\n",
			best ? best->stack->name : "the usual stack", application,
			best ? (best->own ? "the best of what was measured here"
					  : "the best by what was measured elsewhere")
			     : "nothing that can run here was measured for it");
	return 0;
}

int cmd_run(int argc, char **argv)
{
	const char *application = NULL;
	bool automatic = false;
	const struct stack_ops *chosen = NULL;
	static struct via_options via; /* too large for the stack */
	struct via_wishes wishes = {0};
	struct policy policy = {0};
	bool any;
	struct run_options run = {.policy = &policy};
	struct err err = {0};
	int option, code;

	/* "+": what follows the program's name is the program's. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STACK:
			automatic = strcmp(optarg, "auto") == 0;
			run.stack = automatic ? NULL : find_stack(optarg);
			if (!automatic && !run.stack)
				return RUN_FAILED;
			break;
		case OPTION_FOR:
			application = optarg;
			break;
		case OPTION_EXPLAIN:
			run.explain = true;
			break;
		case OPTION_DRY_RUN:
			run.dry_run = true;
			break;
		case OPTION_JSON:
			run.json = true;
			break;
		case OPTION_QUIET:
			run.quiet = true;
			break;
		case OPTION_VERBOSE:
			run.verbose = true;
			break;
		case OPTION_MEMORY:
			if (units_parse_bytes(optarg, &run.memory, &err) < 0)
				return fail(&err);
			break;
		case OPTION_PORTS:
			if (!find_ports(optarg, &run.ports))
				return RUN_FAILED;
			break;
		case OPTION_AS_ROOT:
			run.as_root = true;
			break;
		case OPTION_REPORT:
			run.report = optarg;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			if (via_take(&wishes, option, optarg))
				break;
			code = policy_take(&policy, option, optarg, &err);
			if (code == 0)
				break;
			if (code < 0)
				return fail(&err);
			say_try_help("run");
			return RUN_FAILED;
		}
	}
	if (optind == argc && !run.dry_run) {
		fputs("rivulet: no program to run: rivulet run -- PROGRAM [ARGUMENT]...\n", stderr);
		return RUN_FAILED;
	}
	run.argv = argv + optind;
	if (via_complete(&wishes, &via, &any, &err) < 0 ||
	    (any && via_elsewhere(argc, argv, &err) < 0))
		return fail(&err);
	if (application && !automatic) {
		fputs("rivulet: --for says what --stack auto chooses for: add --stack auto\n",
		      stderr);
		return RUN_FAILED;
	}
	if (automatic && choose_one(application, &run, &chosen, &err) < 0)
		return fail(&err);
	if (automatic)
		run.stack = chosen;
	run.named = run.stack && !automatic;
	if (policy_complete(&policy, run.quiet, &err) < 0)
		return fail(&err);
	via.explain = run.explain;
	via.quiet = run.quiet;
	run.via = any ? &via : NULL;
	code = run_program(&run, &err);
	if (err.text[0])
		fprintf(stderr, "rivulet: %s\n", err.text);
	return code;
}
