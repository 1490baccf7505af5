/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet run: the arguments of rivulet-run(1), and nothing else. */
#include "run/run.h"

#include "base/units.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/via.h"

#include <getopt.h>
#include <stdio.h>

enum {
	OPTION_STACK = 1,
	OPTION_EXPLAIN,
	OPTION_DRY_RUN,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_MEMORY,
	OPTION_AS_ROOT,
	OPTION_REPORT,
	OPTION_LINKS,
	OPTION_NOT,
	OPTION_VIA,
	OPTION_VIA_ALWAYS,
	OPTION_VIA_NEVER,
	OPTION_HELP
};

static const struct option options[] = {
	{"stack", required_argument, NULL, OPTION_STACK},
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"json", no_argument, NULL, OPTION_JSON},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"as-root", no_argument, NULL, OPTION_AS_ROOT},
	{"links", required_argument, NULL, OPTION_LINKS},
	{"not", required_argument, NULL, OPTION_NOT},
	{"via", required_argument, NULL, OPTION_VIA},
	{"via-always", no_argument, NULL, OPTION_VIA_ALWAYS},
	{"via-never", no_argument, NULL, OPTION_VIA_NEVER},
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
	"                 TCP, the program's sockets relayed), uml (MPTCP of a kernel that "
	"PROGRAM\n"
	"                 runs inside); rivulet probe lists them\n" POLICY_USAGE VIA_USAGE
	"  --explain      say what was decided and why, and each change to the host\n"
	"  --dry-run      say what would be done, and start nothing\n"
	"  --json         the summary at the end as JSON\n"
	"  --report FILE  write the summary as JSON to FILE\n"
	"  --quiet        no summary and no notes\n"
	"  --memory SIZE  of a kernel that PROGRAM runs inside (stack uml): 128MiB unless told\n"
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

int cmd_run(int argc, char **argv)
{
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
			run.stack = find_stack(optarg);
			if (!run.stack)
				return RUN_FAILED;
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
		case OPTION_AS_ROOT:
			run.as_root = true;
			break;
		case OPTION_REPORT:
			run.report = optarg;
			break;
		case OPTION_LINKS:
			if (policy_add_links(&policy, optarg, &err) < 0)
				return fail(&err);
			break;
		case OPTION_NOT:
			if (policy_add_not(&policy, optarg, &err) < 0)
				return fail(&err);
			break;
		case OPTION_VIA:
			wishes.relay = optarg;
			break;
		case OPTION_VIA_ALWAYS:
			wishes.always = true;
			break;
		case OPTION_VIA_NEVER:
			wishes.never = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try 'rivulet run --help'.\n", stderr);
			return RUN_FAILED;
		}
	}
	if (optind == argc && !run.dry_run) {
		fputs("rivulet: no program to run: rivulet run -- PROGRAM [ARGUMENT]...\n", stderr);
		return RUN_FAILED;
	}
	run.argv = argv + optind;
	if (policy_complete(&policy, run.quiet, &err) < 0)
		return fail(&err);
	if (via_complete(&wishes, &via, &any, &err) < 0)
		return fail(&err);
	via.explain = run.explain;
	via.quiet = run.quiet;
	via.stack = run_stack(&run);
	run.via = any ? &via : NULL;
	code = run_program(&run, &err);
	if (err.text[0])
		fprintf(stderr, "rivulet: %s\n", err.text);
	return code;
}
