/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet clean: takes back what killed runs have left in this network namespace. */
#include "cli/commands.h"
#include "cli/say.h"
#include "run/net.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"Usage: rivulet clean\n"
	"Takes back what runs that were killed with all their processes have left set up in this\n"
	"network namespace: rules, routes, MPTCP endpoints, limits. What live runs need stays. "
	"The\n"
	"next `rivulet run` does the same.\n";

struct tally {
	unsigned undone, failed;
};

static void count(enum net_report_kind kind, const char *text, void *data)
{
	struct tally *tally = data;

	if (kind == NET_EXPLAINS) {
		tally->undone++;
		puts(text);
	} else {
		tally->failed++;
		fprintf(stderr, "rivulet: %s\n", text);
	}
}

static int clean(struct err *err)
{
	struct tally tally = {0};
	int code = net_clean(count, &tally, err);

	if (code < 0)
		return code;
	if (tally.undone == 0 && tally.failed == 0)
		puts("nothing was left behind");
	return tally.failed ? err_set(err, -EPERM, "not all could be taken back") : 0;
}

int cmd_clean(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct err err = {0};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option == 'h') {
		fputs(usage, stdout);
		return 0;
	}
	if (option != -1)
		return say_try_help("clean");
	if (optind < argc)
		return say_no_option("clean", argv[optind]);
	if (clean(&err) < 0)
		return say_failure(&err);
	return 0;
}
