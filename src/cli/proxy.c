/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet proxy: the arguments of rivulet-proxy(1), and nothing else. */
#include "run/proxying.h"

#include "attach/proxy/door.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/say.h"
#include "cli/via.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum {
	OPTION_LISTEN = 1,
	OPTION_STACK,
	OPTION_ALLOW_ANYONE,
	OPTION_LIMIT,
	OPTION_EXPLAIN,
	OPTION_VERBOSE,
	OPTION_JSON,
	OPTION_REPORT,
	OPTION_QUIET,
	OPTION_AS_ROOT,
	OPTION_HELP
};

static const struct option options[] = {
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"stack", required_argument, NULL, OPTION_STACK},
	{"allow-anyone", no_argument, NULL, OPTION_ALLOW_ANYONE},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	POLICY_OPTIONS,
	VIA_OPTIONS,
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"report", required_argument, NULL, OPTION_REPORT},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"as-root", no_argument, NULL, OPTION_AS_ROOT},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet proxy [OPTION]...\n"
	"Serves SOCKS5 and HTTP CONNECT to programs that can be told of a proxy: their\n"
	"connections go over all links of this device. Ends with Ctrl-C.\n"
	"\n"
	"  --listen PLACE  127.0.0.1:1080 unless told; ADDRESS:PORT (0: a free one),\n"
	"                  [IPV6]:PORT or unix:PATH; may be given several times\n"
	"  --stack NAME    make the connections on that stack (native, lkl, host)\n"
	"  --allow-anyone  serve other users too, and other machines if --listen says so\n"
	"  --limit N       clients at once (1024)\n" POLICY_USAGE VIA_USAGE
	"  --explain       say what was decided about the links and why\n"
	"  --verbose       a line for each client and what became of it\n"
	"  --json          the summary at the end as JSON\n"
	"  --report FILE   write what went over which link as JSON to FILE\n"
	"  --quiet         no summary and no notes\n"
	"  --as-root       under sudo: serve as root, not as the user who called sudo\n"
	"\n"
	"The exit code is 0 if a signal ended it, 125 for a failure, 2 for wrong arguments.\n";

static int fail(const struct err *err)
{
	fprintf(stderr, "rivulet: %s\n", err->text);
	return USAGE;
}

static int add_door(struct proxy_options *proxy, const char *where, struct err *err)
{
	if (proxy->listen_count == PROXY_DOORS_MAX)
		return err_set(err, -E2BIG, "--listen can be given %d times", PROXY_DOORS_MAX);
	proxy->listen[proxy->listen_count++] = where;
	return door_check(where, err);
}

static int set_limit(struct proxy_options *proxy, const char *text, struct err *err)
{
	uint64_t limit;
	int code = units_parse_count(text, &limit, err);

	if (code < 0)
		return err_prefix(err, code, "--limit");
	if (limit < 1 || limit > PROXY_CLIENTS_MAX)
		return err_set(err, -ERANGE, "--limit is between 1 and %d", PROXY_CLIENTS_MAX);
	proxy->limit = (unsigned)limit;
	return 0;
}

int cmd_proxy(int argc, char **argv)
{
	char *const *all = argv - 1;   /* with the program's own name, for `rivulet status` */
	static struct via_options via; /* too large for the stack */
	struct via_wishes wishes = {0};
	struct policy policy = {0};
	bool any = false;
	struct proxying proxying = {.proxy = {.limit = 1024},
				    .run = {.argv = all, .policy = &policy}};
	struct err err = {0};
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_LISTEN:
			code = add_door(&proxying.proxy, optarg, &err);
			break;
		case OPTION_STACK:
			proxying.stack = optarg;
			code = stack_check(optarg, &err);
			break;
		case OPTION_ALLOW_ANYONE:
			proxying.proxy.allow_anyone = true;
			break;
		case OPTION_LIMIT:
			code = set_limit(&proxying.proxy, optarg, &err);
			break;
		case OPTION_EXPLAIN:
			proxying.run.explain = true;
			break;
		case OPTION_VERBOSE:
			proxying.verbose = true;
			break;
		case OPTION_JSON:
			proxying.run.json = true;
			break;
		case OPTION_REPORT:
			proxying.run.report = optarg;
			break;
		case OPTION_QUIET:
			proxying.run.quiet = true;
			break;
		case OPTION_AS_ROOT:
			proxying.run.as_root = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			if (via_take(&wishes, option, optarg))
				break;
			code = policy_take(&policy, option, optarg, &err);
			if (code <= 0)
				break;
			return say_try_help("proxy");
		}
	}
	if (code == 0)
		code = via_complete(&wishes, &via, &any, &err);
	if (code == 0 && any)
		code = via_elsewhere(argc, argv, &err);
	argv[0] += strlen("rivulet "); /* as it was typed, in @all */
	if (code == 0 && optind < argc)
		return say_no_option("proxy", argv[optind]);
	if (code == 0 && proxying.proxy.listen_count == 0)
		code = add_door(&proxying.proxy, "127.0.0.1:1080", &err);
	if (code == 0)
		code = policy_complete(&policy, proxying.run.quiet, &err);
	if (code < 0)
		return fail(&err);
	via.explain = proxying.run.explain;
	via.quiet = proxying.run.quiet;
	proxying.run.via = any ? &via : NULL;
	code = proxying_run(&proxying, &err);
	if (err.text[0])
		fprintf(stderr, "rivulet: %s\n", err.text);
	return code;
}
