/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet SUBCOMMAND ...`: one row of the table, and one file, for each subcommand. */
#include "base/cleanup.h"
#include "base/fds.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "drop/sandbox.h"
#include "run/guest.h"
#include "stack/own_wire.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	const char *summary; /* NULL: not for people */
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"run", "a program, unmodified, over all links of this device", cmd_run},
	{"proxy", "SOCKS5 and HTTP proxy over all links, for what run cannot serve", cmd_proxy},
	{"relay", "a relay of your own, for servers that do not speak MPTCP", cmd_relay},
	{"clean", "take back what killed runs have left set up", cmd_clean},
	{"status", "what running programs do: connections, subflows, rates", cmd_status},
	{"links", "the links of this device, and how they would be used", cmd_links},
	{"probe", "what this device can do, and which stacks can run on it", cmd_probe},
	{"node", "be a node of a crowd: find others that are near, share with them", cmd_node},
	{"crowd", "found a crowd, invite, join", cmd_crowd},
	{"peers", "which nodes are near, over which links, how fast", cmd_peers},
	{"put", "give a file to the crowd, by the hash of its content", cmd_put},
	{"get", "get a file from whoever has it", cmd_get},
	{"submit", "have a task done by whoever of the crowd can do it first", cmd_submit},
	{"tasks", "where submitted tasks are, and who did them", cmd_tasks},
	{"choose", "which stack fits this device and an application, and why", cmd_choose},
	{"assess", "measure TCP and MPTCP over each stack here, with a report to read", cmd_assess},
	{"lab", "hosts and links with rate, delay, loss and outages on this machine", cmd_lab},
	{"load", NULL, cmd_load},       /* nobody's but assess's */
	{OWN_COMMAND, NULL, cmd_stack}, /* nobody's but librivulet's */
};

static void help(FILE *out)
{
	fputs("Usage: rivulet SUBCOMMAND [ARGUMENT...]\n"
	      "Use all links of a device at once, with unmodified programs.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].summary)
			fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  --help     this text; `rivulet SUBCOMMAND --help` says more\n"
	      "  --version  the version\n",
	      out);
}

static int run(int argc, char **argv)
{
	static char name[64];

	if (argc < 2) {
		help(stderr);
		return USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("rivulet " RIVULET_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			snprintf(name, sizeof(name), "rivulet %s", commands[i].name);
			argv[1] = name;
			return commands[i].run(argc - 1, argv + 1);
		}
	if (!strcmp(argv[1], SANDBOX_COMMAND))
		return sandbox_main(argc - 1, argv + 1);
	if (!strcmp(argv[1], GUEST_COMMAND))
		return guest_main();
	fprintf(stderr, "rivulet: no subcommand '%s'; `rivulet --help` lists them\n", argv[1]);
	return USAGE;
}

/* Output that is lost is a failure, of whichever command. */
int main(int argc, char **argv)
{
	int code;

	fds_hold_standard();
	code = run(argc, argv);
	return code ? code : say_written();
}
