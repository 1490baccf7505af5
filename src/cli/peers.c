/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet peers: the arguments of rivulet-peers(1), and a table. */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "drop/control.h"
#include "drop/node.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_STATE = 1, OPTION_JSON, OPTION_HELP };

static const struct option options[] = {
	{"state", required_argument, NULL, OPTION_STATE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] = "Usage: rivulet peers [OPTION]...\n"
			    "Who is near, over which links, since when, how fast.\n"
			    "\n"
			    "  --state FOLDER  the node's folder, as for rivulet node\n"
			    "  --json          as JSON\n";

/* Names of links; those that carry are marked. */
static void links_text(const json_t *links, char *ret, size_t room)
{
	size_t index;
	const json_t *link;

	ret[0] = '\0';
	json_array_foreach((json_t *)links, index, link)
	{
		size_t size = strlen(ret);

		snprintf(ret + size, room - size, "%s%s%s", index ? " " : "",
			 json_string_value(json_object_get(link, "name")),
			 json_is_true(json_object_get(link, "subflow")) ? "*" : "");
	}
}

static void print_peer(const json_t *peer)
{
	char links[128], sent[UNITS_TEXT_MAX], received[UNITS_TEXT_MAX], rate[UNITS_TEXT_MAX];
	unsigned seconds = (unsigned)json_number_value(json_object_get(peer, "seconds"));

	links_text(json_object_get(peer, "links"), links, sizeof(links));
	printf("%-16s %-8s %-20s %5u:%02u %10s %10s %14s\n",
	       json_string_value(json_object_get(peer, "node")),
	       json_is_true(json_object_get(peer, "contact")) ? "contact" : "near", links,
	       seconds / 60, seconds % 60,
	       units_bytes_about((uint64_t)json_integer_value(json_object_get(peer, "sent")), sent),
	       units_bytes_about((uint64_t)json_integer_value(json_object_get(peer, "received")),
				 received),
	       units_rate_about((uint64_t)json_integer_value(json_object_get(peer, "rate")), rate));
}

static void print(const json_t *peers)
{
	size_t index;
	const json_t *peer;

	printf("%-16s %-8s %-20s %8s %10s %10s %14s\n", "node", "", "links (* carries)", "since",
	       "sent", "received", "now");
	json_array_foreach((json_t *)peers, index, peer) print_peer(peer);
}

int cmd_peers(int argc, char **argv)
{
	char state[PATH_MAX] = "";
	struct err err = {0};
	bool json = false;
	json_t *answer = NULL;
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(state, sizeof(state), "%s", optarg);
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("peers");
		}
	}
	if (optind < argc)
		return say_no_option("peers", argv[optind]);
	code = node_find_state(state, sizeof(state), &err);
	if (code == 0)
		answer = control_call(state, "GET", "/v1/peers", -1, &err);
	if (!answer)
		return say_failure(&err);
	if (json)
		say_json(answer);
	else
		print(json_object_get(answer, "peers"));
	json_decref(answer);
	return 0;
}
