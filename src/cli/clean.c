/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet clean: takes back what killed runs have left in this network namespace. */
#include "cli/commands.h"
#include "run/journal.h"

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

static void count(const struct change *change, int result, void *data)
{
	struct tally *tally = data;
	char text[256];

	change_text(change, text, sizeof(text));
	if (result == JOURNAL_UNDONE) {
		tally->undone++;
		printf("taken back: %s\n", text);
	} else {
		tally->failed++;
		fprintf(stderr, "rivulet: %s: %s\n", text, strerror(-result));
	}
}

static int clean(struct err *err)
{
	struct netstack netstack;
	struct journal *journal;
	struct tally tally = {0};
	int code = journal_open(&journal, err);

	if (code < 0)
		return code;
	code = netstack_open_host(&netstack);
	if (code < 0) {
		journal_close(journal);
		return err_set(err, code, "cannot reach the kernel's network configuration: %s",
			       strerror(-code));
	}
	journal_follow(journal, &netstack, NULL, 0, count, &tally);
	journal_release(journal, &netstack, NULL, NULL);
	netstack_close(&netstack);
	journal_close(journal);
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
	if (option != -1 || optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (clean(&err) < 0) {
		fprintf(stderr, "rivulet: %s\n", err.text);
		return 1;
	}
	return 0;
}
