/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet crowd: the arguments of rivulet-crowd(1). */
#include "drop/crowd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "drop/discovery.h"
#include "drop/join.h"
#include "drop/node.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_STATE = 1,
	OPTION_NAME,
	OPTION_OPEN,
	OPTION_VALID,
	OPTION_AT,
	OPTION_WAIT,
	OPTION_JSON,
	OPTION_HELP
};

static const struct option options[] = {
	{"state", required_argument, NULL, OPTION_STATE},
	{"name", required_argument, NULL, OPTION_NAME},
	{"open", required_argument, NULL, OPTION_OPEN},
	{"valid", required_argument, NULL, OPTION_VALID},
	{"at", required_argument, NULL, OPTION_AT},
	{"wait", required_argument, NULL, OPTION_WAIT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet crowd new CROWD         this device founds a crowd\n"
	"       rivulet crowd invite            prints a token by which one device can join\n"
	"       rivulet crowd join TOKEN        joins; the founder's node has to run and be near\n"
	"       rivulet crowd revoke NODE       takes a node's certificate out of use\n"
	"\n"
	"  --state FOLDER   the node's folder, as for rivulet node\n"
	"  --name NODE      new, join: what this node is called (the host's name);\n"
	"                   invite: the only name that may join by it\n"
	"  --open TIME      invite: for how long the token can be used (1440min)\n"
	"  --valid TIME     invite: for how long the certificate is valid (525600min, a year)\n"
	"  --at HOST[:PORT] join: where the founder is, if it is not near\n"
	"  --wait TIME      join: how long to look for the founder (30s)\n"
	"  --json           print facts as JSON\n";

struct crowd_command {
	char state[PATH_MAX], folder[PATH_MAX], name[NODE_MAX];
	const char *told_name, *at;
	uint64_t open, valid, wait; /* ns */
	bool json;
};

static void print_json(json_t *object)
{
	say_json(object);
	json_decref(object);
}

/* What the host is called, without what a node's name cannot have. */
static void host_name(char ret[static NODE_MAX])
{
	char name[NODE_MAX] = "";
	size_t size = 0;

	gethostname(name, sizeof(name) - 1);
	for (const char *c = name; *c && *c != '.'; c++)
		if (isalnum((unsigned char)*c) || (size && (*c == '-' || *c == '_')))
			ret[size++] = *c;
	ret[size] = '\0';
	if (size == 0)
		snprintf(ret, NODE_MAX, "node");
}

static int new_crowd(struct crowd_command *command, const char *crowd, struct err *err)
{
	int code = crowd_new(command->folder, crowd, command->name, err);

	if (code < 0)
		return code;
	if (command->json)
		print_json(json_pack("{s:s, s:s}", "crowd", crowd, "node", command->name));
	else
		printf("This device is '%s', the founder of crowd '%s'.\n", command->name, crowd);
	return 0;
}

static int invite(struct crowd_command *command, const char *unused, struct err *err)
{
	struct crowd_token token;
	char text[CROWD_TOKEN_MAX];
	int code = crowd_invite(command->folder, command->told_name, command->open / NS_PER_S,
				command->valid / NS_PER_S, &token, err);

	if (code < 0)
		return code;
	crowd_token_text(&token, text);
	if (command->json)
		print_json(json_pack("{s:s}", "token", text));
	else
		puts(text);
	return 0;
}

static int dial(const char *host, const char *port, struct err *err)
{
	struct stack *stack;
	int fd, code = stack_host.open(&(struct stack_options){.stagger = 250 * NS_PER_MS}, &stack,
				       err);

	if (code < 0)
		return code;
	fd = stack_dial(
		stack,
		&(struct stack_dial){
			.host = host, .service = port, .flags = RV_NONBLOCK, .timeout_ms = 10000},
		err);
	stack->ops->close(stack);
	return fd;
}

/* "HOST", "HOST:PORT", "IPV6", "[IPV6]", "[IPV6]:PORT". */
static int dial_at(const char *at, struct err *err)
{
	char host[256];
	const char *colon = strrchr(at, ':'), *port;
	uint64_t number;
	size_t size = colon ? (size_t)(colon - at) : strlen(at);
	/* One inside of an IPv6 address is none of a port. */
	bool alone = colon &&
		     (colon[strlen(colon) - 1] == ']' || (at[0] != '[' && memchr(at, ':', size)));

	port = colon && !alone ? colon + 1 : "4556";
	if (units_parse_count(port, &number, err) < 0 || number < 1 || number > UINT16_MAX)
		return err_set(err, -EINVAL, "--at: '%s' is no port: 1 to 65535", port);
	if (alone)
		size = strlen(at);
	if (size > 2 && at[0] == '[' && at[size - 1] == ']') {
		at++;
		size -= 2;
	}
	if (size >= sizeof(host))
		return err_set(err, -EINVAL, "--at is too long");
	memcpy(host, at, size);
	host[size] = '\0';
	return dial(host, port, err);
}

/* A connection to the founder, whose beacon is waited for. */
static int find_founder(const struct crowd_command *command, const struct crowd_token *token,
			struct err *err)
{
	uint64_t began = clock_now();
	_cleanup_close_ int listener = discovery_listen(err);
	struct err last = {0};

	if (listener < 0)
		return listener;
	while (clock_now() - began < command->wait) {
		struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
		char link[IF_NAMESIZE], local[INET6_ADDRSTRLEN],
			host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1], port[8];
		struct beacon beacon;
		int fd;

		if (discovery_founder(listener, token->crowd, &beacon, link) != 1) {
			poll(&poll_fd, 1, 200); /* links may come up meanwhile */
			continue;
		}
		inet_ntop(AF_INET6, &beacon.sender, local, sizeof(local));
		snprintf(host, sizeof(host), "%s%%%s", local, link);
		snprintf(port, sizeof(port), "%u", beacon.port);
		fd = dial(host, port, &last);
		if (fd >= 0)
			return fd;
	}
	return err_set(err, -ETIMEDOUT,
		       "the founder of this crowd is not near: does its node run?%s%s",
		       last.text[0] ? " " : "", last.text);
}

static int join(struct crowd_command *command, const char *text, struct err *err)
{
	struct crowd_token token;
	_cleanup_close_ int fd = -1;
	int code;

	if (crowd_token_parse(text, &token) < 0)
		return err_set(err, -EINVAL,
			       "this is no invitation, or a letter of it is wrong or missing");
	fd = command->at ? dial_at(command->at, err) : find_founder(command, &token, err);
	if (fd < 0)
		return fd;
	code = join_over(fd, command->folder, command->name, &token, err);
	if (code < 0)
		return code;
	if (command->json)
		print_json(json_pack("{s:s}", "node", command->name));
	else
		printf("This device has joined as '%s'.\n", command->name);
	return 0;
}

static int revoke_node(struct crowd_command *command, const char *node, struct err *err)
{
	int code = crowd_revoke(command->folder, node, err);

	if (code == 0 && command->json)
		print_json(json_pack("{s:s}", "revoked", node));
	else if (code == 0)
		printf("'%s' is of this crowd no more.\n", node);
	return code;
}

static const struct {
	const char *name;
	bool argument;
	int (*run)(struct crowd_command *command, const char *argument, struct err *err);
} actions[] = {
	{"new", true, new_crowd},
	{"invite", false, invite},
	{"join", true, join},
	{"revoke", true, revoke_node},
};

static int set_time(uint64_t *ret, const char *text, const char *option, struct err *err)
{
	int code = units_parse_time(text, ret, err);

	if (code < 0)
		return err_prefix(err, code, "--%s", option);
	return *ret >= NS_PER_S ? 0 : err_set(err, -ERANGE, "--%s is at least 1s", option);
}

static int act(struct crowd_command *command, int argc, char **argv, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (argc < 1 || strcmp(argv[0], actions[i].name) != 0)
			continue;
		if (argc != 1 + actions[i].argument)
			break;
		if (node_find_state(command->state, sizeof(command->state), err) < 0 ||
		    node_path(command->state, "crowd", command->folder, sizeof(command->folder),
			      err) < 0)
			return -ENOENT;
		return actions[i].run(command, argv[1], err);
	}
	err_set(err, -EINVAL, "what is to be done? rivulet crowd --help");
	return USAGE;
}

int cmd_crowd(int argc, char **argv)
{
	struct crowd_command command = {
		.open = 86400 * NS_PER_S, .valid = 365 * 86400 * NS_PER_S, .wait = 30 * NS_PER_S};
	struct err err = {0};
	int option, code = 0;

	host_name(command.name);
	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(command.state, sizeof(command.state), "%s", optarg);
			break;
		case OPTION_NAME:
			if (!eid_is_name(optarg))
				code = err_set(
					&err, -EINVAL,
					"'%s' cannot be a node's name: letters, digits, '-', "
					"'_', '.'",
					optarg);
			command.told_name = optarg;
			snprintf(command.name, sizeof(command.name), "%s", optarg);
			break;
		case OPTION_OPEN:
			code = set_time(&command.open, optarg, "open", &err);
			break;
		case OPTION_VALID:
			code = set_time(&command.valid, optarg, "valid", &err);
			break;
		case OPTION_AT:
			command.at = optarg;
			break;
		case OPTION_WAIT:
			code = set_time(&command.wait, optarg, "wait", &err);
			break;
		case OPTION_JSON:
			command.json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("crowd");
		}
	}
	if (code < 0) {
		say_failure(&err);
		return USAGE;
	}
	code = act(&command, argc - optind, argv + optind, &err);
	if (code)
		say_failure(&err);
	return code < 0 ? 1 : code;
}
