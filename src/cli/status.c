/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet status: what runs are doing, asked of their supervisors. */
#include "cli/status.h"

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "run/status.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAMPLE_MS 250 /* between the two answers that rates come from */

/* A line does not go on at the next one of a narrow terminal: rows stay rows. */
#define SCREEN_BEGIN "\033[H\033[J\033[?7l"
#define SCREEN_END   "\033[?7h"

enum { OPTION_WATCH = 1, OPTION_JSON, OPTION_HELP };

static const struct option options[] = {
	{"watch", no_argument, NULL, OPTION_WATCH},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet status [--watch] [--json]\n"
	"Shows what your programs under `rivulet run` are doing: each live connection with its\n"
	"subflows, the link of each, state, round-trip time, congestion window and rates.\n"
	"\n"
	"  --watch  again every second, until interrupted\n"
	"  --json   as one JSON object; with --watch one on each line\n";

struct view {
	bool watch, json;
	json_t *runs; /* the last answers, for rates; owned */
	unsigned silent;
};

static int ask(struct view *view)
{
	struct err err;
	json_t *runs;

	if (status_ask_all(&runs, &view->silent, &err) < 0) {
		say_failure(&err);
		return -1;
	}
	status_add_rates(runs, view->runs);
	json_decref(view->runs);
	view->runs = runs;
	return 0;
}

static void show_json(const struct view *view)
{
	json_t *root = json_pack("{sO si}", "runs", view->runs, "silent", (int)view->silent);
	size_t lines = view->watch ? JSON_COMPACT : JSON_INDENT(2);

	json_dumpf(root, stdout, lines | JSON_REAL_PRECISION(12));
	fputc('\n', stdout);
	json_decref(root);
}

static void show_text(const struct view *view, FILE *out)
{
	status_print(view->runs, status_netns(), out);
	if (view->silent)
		fprintf(out, "\n%u run%s not answer (stopped, or overloaded)\n", view->silent,
			view->silent == 1 ? " does" : "s do");
}

/* What fits, from the top. */
static void show_screen(const struct view *view)
{
	_cleanup_free_ char *text = NULL;
	struct winsize screen = {0};
	unsigned row = 1;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	show_text(view, out);
	fclose(out);
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &screen);
	fputs(SCREEN_BEGIN, stdout);
	for (const char *c = text; *c && (row < screen.ws_row || screen.ws_row == 0); c++) {
		row += *c == '\n';
		fputc(*c, stdout);
	}
	fputs(SCREEN_END, stdout);
}

static int show(const struct view *view)
{
	if (view->json) {
		show_json(view);
	} else if (view->watch && isatty(STDOUT_FILENO)) {
		show_screen(view);
	} else {
		show_text(view, stdout);
		fputs(view->watch ? "\n" : "", stdout);
	}
	return say_written() ? -1 : 0;
}

static bool has_connections(const json_t *runs)
{
	for (size_t i = 0; i < json_array_size(runs); i++)
		if (json_array_size(json_object_get(json_array_get(runs, i), "connections")))
			return true;
	return false;
}

/* Rates take two looks. */
static int once(struct view *view)
{
	if (ask(view) < 0)
		return -1;
	if (has_connections(view->runs)) {
		poll(NULL, 0, SAMPLE_MS);
		if (ask(view) < 0)
			return -1;
	}
	return show(view);
}

/* SIGINT and SIGTERM are waited for, so that they never tear a screen or a line apart. */
static int watch(struct view *view)
{
	const struct timespec second = {1, 0};
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	do
		if (ask(view) < 0 || show(view) < 0)
			return -1;
	while (sigtimedwait(&ends, NULL, &second) < 0);
	return 0;
}

int cmd_status(int argc, char **argv)
{
	struct view view = {0};
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_WATCH:
			view.watch = true;
			break;
		case OPTION_JSON:
			view.json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("status");
		}
	}
	if (optind < argc)
		return say_no_option("status", argv[optind]);
	code = view.watch ? watch(&view) : once(&view);
	json_decref(view.runs);
	return code < 0 ? 1 : 0;
}
