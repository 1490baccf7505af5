/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivulet node: the arguments of rivulet-node(1). Where its stack uses the host's links it is a run like any other, in the
 * place of a program, as the proxy is: the links are set up, and taken back at the end.
 */
#include "drop/node.h"

#include "attach/proxy/announce.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/say.h"
#include "drop/beacon.h"
#include "drop/cloud.h"
#include "drop/tcpcl.h"
#include "link/links.h"
#include "run/run.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_STATE = 1,
	OPTION_STACK,
	OPTION_PORT,
	OPTION_QUOTA,
	OPTION_SLOTS,
	OPTION_TAKE,
	OPTION_BATTERY,
	OPTION_LOAD,
	OPTION_SENSORS,
	OPTION_CLOUD,
	OPTION_CLOUD_DELAY,
	OPTION_AS_IT_IS,
	OPTION_EXPLAIN,
	OPTION_QUIET,
	OPTION_HELP
};

static const struct option options[] = {
	{"state", required_argument, NULL, OPTION_STATE},
	{"stack", required_argument, NULL, OPTION_STACK},
	{"port", required_argument, NULL, OPTION_PORT},
	{"quota", required_argument, NULL, OPTION_QUOTA},
	{"slots", required_argument, NULL, OPTION_SLOTS},
	{"take-tasks", no_argument, NULL, OPTION_TAKE},
	{"battery-least", required_argument, NULL, OPTION_BATTERY},
	{"load-most", required_argument, NULL, OPTION_LOAD},
	{"cloud", required_argument, NULL, OPTION_CLOUD},
	{"cloud-delay", required_argument, NULL, OPTION_CLOUD_DELAY},
	{"sensors", required_argument, NULL, OPTION_SENSORS},
	POLICY_OPTIONS,
	{"as-it-is", no_argument, NULL, OPTION_AS_IT_IS},
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet node [OPTION]...\n"
	"Makes this device a node of its crowd (rivulet crowd new, rivulet crowd join): it\n"
	"finds others of the crowd that are near and shares with them. Ends with Ctrl-C.\n"
	"\n"
	"  --state FOLDER  where the node keeps what it has; else $RIVULET_NODE, or\n"
	"                  /var/lib/rivulet for root, ~/.local/share/rivulet for others\n"
	"  --port N        where others connect to (4556; on stack lkl 4557)\n"
	"  --quota SIZE    how much it may keep (1GB)\n"
	"  --take-tasks    runs others' tasks as well, each in a sandbox\n"
	"  --slots N       how many tasks run at once (as many as there are CPUs)\n"
	"  --battery-least PERCENT, --load-most N\n"
	"                  with less battery (30), and not plugged in, or more load for each\n"
	"                  CPU (1.5), only its own tasks\n"
	"  --cloud command:PROGRAM, --cloud slurm\n"
	"                  where tasks go that would be late otherwise\n"
	"  --cloud-delay TIME\n"
	"                  how long its queue and the way there take, until that is known (60s)\n"
	"  --stack NAME    make the connections on that stack (native, lkl, host)\n" POLICY_USAGE
	"  --as-it-is      set up no links: use them as they are\n"
	"  --explain       say what was decided about the links and why\n"
	"  --quiet         say nothing but errors\n";

struct serving {
	struct node_options options;
	const struct stack_ops *stack;
	struct stack *open_stack;
	struct node *node;
	const struct policy *policy;
	int own; /* to the supervisor of the run; -1: there is none */
	bool quiet;
};

/* A cloud's programs are started in other folders: what names them, and the node's own, holds there, too. */
static const char *make_whole(const char *path, char ret[static PATH_MAX])
{
	return realpath(path, ret) ? ret : path;
}

static int set_cloud(struct serving *serving, const char *text, struct err *err)
{
	static char whole[2 * PATH_MAX], program[PATH_MAX];
	const char *settings;
	const struct cloud_ops *ops = cloud_find(text, &settings);

	serving->options.cloud = text;
	if (!ops)
		return err_set(err, -EINVAL,
			       "--cloud is command:PROGRAM, slurm or slurm:OPTION, not '%s'", text);
	if (!ops->poll && strchr(settings, '/')) {
		if (access(settings, X_OK) < 0)
			return err_set(err, -errno, "--cloud: '%s' cannot be started: %s", settings,
				       strerror(errno));
		snprintf(whole, sizeof(whole), "%s:%s", ops->name, make_whole(settings, program));
		serving->options.cloud = whole;
	}
	return 0;
}

static void say(const char *line, void *data)
{
	const struct serving *serving = data;

	if (!serving->quiet)
		fprintf(stderr, "rivulet node: %s\n", line);
}

static void made(int fd, void *data)
{
	const struct serving *serving = data;

	if (serving->own >= 0)
		announce_socket(serving->own, fd);
}

static bool is_metered(const char *name, void *data)
{
	const struct serving *serving = data;
	_cleanup_nl_ struct nl *nl = NULL;
	struct links links;
	bool metered = false;

	if (nl_open(&nl, NETLINK_ROUTE) < 0 || links_read(nl, &links) < 0)
		return false;
	for (unsigned i = 0; i < links.count; i++)
		if (strcmp(links.all[i].name, name) == 0)
			metered = policy_is_metered(serving->policy, &links.all[i]);
	links_free(&links);
	return metered;
}

static int open_node(int own, void *data, struct err *err)
{
	struct serving *serving = data;
	const struct stack_options how = {.stagger = 250 * NS_PER_MS, .policy = serving->policy};
	int code = serving->stack->open(&how, &serving->open_stack, err);

	if (code < 0)
		return code;
	serving->own = own;
	serving->options.stack = serving->open_stack;
	serving->options.log = say;
	serving->options.made = made;
	serving->options.metered = is_metered;
	serving->options.data = serving;
	code = node_open(&serving->options, &serving->node, err);
	if (code < 0)
		serving->stack->close(serving->open_stack);
	return code;
}

static int serve(void *data)
{
	struct serving *serving = data;
	struct err err;
	int code = node_run(serving->node, &err);

	node_close(serving->node);
	serving->stack->close(serving->open_stack);
	if (code < 0)
		fprintf(stderr, "rivulet node: %s\n", err.text);
	return code < 0 ? RUN_FAILED : 0;
}

static void clean(void *data)
{
}

static void passed_over(const char *why)
{
	fprintf(stderr, "rivulet node: %s\n", why);
}

static int set_port(struct serving *serving, const char *text, struct err *err)
{
	uint64_t port;
	int code = units_parse_count(text, &port, err);

	if (code < 0)
		return err_prefix(err, code, "--port");
	if (port < 1 || port > UINT16_MAX)
		return err_set(err, -ERANGE, "--port is between 1 and 65535");
	serving->options.port = (uint16_t)port;
	return 0;
}

static int set_quota(struct serving *serving, const char *text, struct err *err)
{
	int code = units_parse_bytes(text, &serving->options.quota, err);

	return code < 0 ? err_prefix(err, code, "--quota") : 0;
}

static int set_number(const char *text, const char *option, uint64_t most, uint64_t *ret,
		      struct err *err)
{
	int code = units_parse_count(text, ret, err);

	if (code == 0 && *ret > most)
		code = err_set(err, -ERANGE, "at most %llu", (unsigned long long)most);
	return code < 0 ? err_prefix(err, code, "%s", option) : 0;
}

static unsigned count_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? (unsigned)cpus : 1;
}

/* A port that a stack shares with the host is held there for TCP and UDP alike, and the beacons have one of UDP. */
static int choose_port(struct serving *serving, struct err *err)
{
	uint16_t *port = &serving->options.port;
	bool shares = serving->stack->needs_packets;

	static_assert(TCPCL_PORT == BEACON_PORT, "so that it cannot be the same on such a stack");
	if (*port == 0)
		*port = shares ? TCPCL_PORT + 1 : TCPCL_PORT;
	return shares && *port == BEACON_PORT
		       ? err_set(err, -EADDRINUSE,
				 "on stack %s --port cannot be %u, which is the beacons'",
				 serving->stack->name, *port)
		       : 0;
}

static int run(struct serving *serving, const struct run_options *run, bool as_it_is,
	       struct err *err)
{
	int code;

	if (!as_it_is && serving->stack->uses_host_links)
		return run_program(run, err);
	code = open_node(-1, serving, err);
	return code < 0 ? RUN_FAILED : serve(serving);
}

int cmd_node(int argc, char **argv)
{
	char *const *all = argv - 1;
	char state[PATH_MAX] = "", whole[PATH_MAX];
	const char *stack = NULL;
	struct policy policy = {.neighbours = true};
	struct serving serving = {.options = {.quota = 1000000000,
					      .slots = count_cpus(),
					      .battery_least = 30,
					      .cloud_delay = 60000,
					      .load_most = 1.5},
				  .stack = &stack_native, /* until it is chosen */
				  .own = -1};
	const struct run_service service = {.attachment = &attachment_announce,
					    .open = open_node,
					    .serve = serve,
					    .clean = clean,
					    .data = &serving};
	struct run_options how = {
		.argv = all, .policy = &policy, .service = &service, .as_root = true};
	bool as_it_is = false;
	uint64_t number = 0;
	char *end;
	struct err err = {0};
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(state, sizeof(state), "%s", optarg);
			break;
		case OPTION_STACK:
			stack = optarg;
			code = stack_check(optarg, &err);
			break;
		case OPTION_PORT:
			code = set_port(&serving, optarg, &err);
			break;
		case OPTION_QUOTA:
			code = set_quota(&serving, optarg, &err);
			break;
		case OPTION_SLOTS:
			code = set_number(optarg, "--slots", 1024, &number, &err);
			serving.options.slots = (unsigned)number;
			break;
		case OPTION_TAKE:
			serving.options.take = true;
			break;
		case OPTION_BATTERY:
			code = set_number(optarg, "--battery-least", 100, &number, &err);
			serving.options.battery_least = (int)number;
			break;
		case OPTION_LOAD:
			serving.options.load_most = strtod(optarg, &end);
			if (end == optarg || *end || !(serving.options.load_most >= 0))
				code = err_set(&err, -EINVAL,
					       "--load-most is a number such as 1.5, not '%s'",
					       optarg);
			break;
		case OPTION_CLOUD:
			code = set_cloud(&serving, optarg, &err);
			break;
		case OPTION_CLOUD_DELAY:
			code = units_parse_time(optarg, &number, &err);
			serving.options.cloud_delay = number / NS_PER_MS;
			if (code < 0)
				err_prefix(&err, code, "--cloud-delay");
			break;
		case OPTION_SENSORS:
			serving.options.sensors = optarg;
			break;
		case OPTION_AS_IT_IS:
			as_it_is = true;
			break;
		case OPTION_EXPLAIN:
			how.explain = true;
			break;
		case OPTION_QUIET:
			serving.quiet = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			code = policy_take(&policy, option, optarg, &err);
			if (code <= 0)
				break;
			return say_try_help("node");
		}
	}
	argv[0] += strlen("rivulet "); /* as it was typed, in @all */
	if (code == 0 && optind < argc)
		return say_no_option("node", argv[optind]);
	if (code == 0)
		code = node_find_state(state, sizeof(state), &err);
	if (code == 0)
		code = policy_complete(&policy, serving.quiet, &err);
	if (code == 0 &&
	    stack_choose(stack, serving.quiet ? NULL : passed_over, &serving.stack, &err) < 0) {
		say_failure(&err);
		return RUN_FAILED;
	}
	if (code == 0)
		code = choose_port(&serving, &err);
	if (code < 0) {
		say_failure(&err);
		return USAGE;
	}
	serving.options.state = make_whole(state, whole);
	serving.policy = &policy;
	how.stack = serving.stack;
	how.quiet = true;
	code = run(&serving, &how, as_it_is, &err);
	if (err.text[0])
		say_failure(&err);
	return code;
}
