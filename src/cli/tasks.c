/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet tasks: the arguments of rivulet-tasks(1), and a table. */
#include "cli/tasks.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "drop/control.h"
#include "drop/node.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BAR        30
#define POLL_FIRST (10 * NS_PER_MS)
#define POLL_LAST  (250 * NS_PER_MS)
#define NOT_DONE   124 /* cancelled, expired */

enum { OPTION_STATE = 1, OPTION_CANCEL, OPTION_JSON, OPTION_HELP };

static const struct option options[] = {
	{"cancel", required_argument, NULL, OPTION_CANCEL},
	{"state", required_argument, NULL, OPTION_STATE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] = "Usage: rivulet tasks [OPTION]... [GROUP]\n"
			    "Where each task is, who ran it, when it goes to the cloud.\n"
			    "\n"
			    "  --cancel ID     of a task or group: it is not wanted any more\n"
			    "  --state FOLDER  the node's folder, as for rivulet node\n"
			    "  --json          as JSON\n";

/* One that has no result wrote nothing. */
static int print_text(const char *state, const char *id, const char *which, FILE *to,
		      struct err *err)
{
	struct control control;
	char target[128], block[8192];
	ssize_t got = 0;
	int code;

	snprintf(target, sizeof(target), "/v1/tasks/%s/%s", id, which);
	code = control_ask(&control, state, "GET", target, NULL, err);
	if (code == 0 && control.status == 200)
		while ((got = control_read(&control, block, sizeof(block), err)) > 0)
			fwrite(block, 1, (size_t)got, to);
	control_close(&control);
	return code < 0 ? code : (int)got;
}

static const char *word(const json_t *task, const char *name)
{
	const char *text = json_string_value(json_object_get(task, name));

	return text ? text : "";
}

/* What one that is over ends as; says what its exit status does not. */
static int end_of(const json_t *task)
{
	int exit = (int)json_integer_value(json_object_get(task, "exit"));

	if (strcmp(word(task, "state"), "done") != 0) {
		fprintf(stderr, "rivulet: %s: %s\n", word(task, "command"),
			word(task, "why")[0] ? word(task, "why") : word(task, "state"));
		return exit ? exit : NOT_DONE;
	}
	if (json_is_true(json_object_get(task, "stopped")))
		fprintf(stderr, "rivulet: %s: %s\n", word(task, "command"), word(task, "end"));
	return exit;
}

static void show_progress(const json_t *answer, uint64_t began, bool end)
{
	unsigned total = (unsigned)json_integer_value(json_object_get(answer, "total")),
		 over = (unsigned)json_integer_value(json_object_get(answer, "over"));
	unsigned filled = total ? BAR * over / total : 0;
	char bar[BAR + 1];
	const char *name;
	json_t *count;

	memset(bar, ' ', BAR);
	memset(bar, '=', filled);
	bar[BAR] = '\0';
	fprintf(stderr, "\r\033[K[%s] %u/%u  %us ", bar, over, total,
		(unsigned)((clock_now() - began) / NS_PER_S));
	json_object_foreach(json_object_get(answer, "by"), name, count)
		fprintf(stderr, " %s %d", name, (int)json_integer_value(count));
	if (end)
		fputc('\n', stderr);
}

/* Until all of it is over. */
static int wait_for(const char *state, const char *group, bool quiet, struct err *err)
{
	uint64_t began = clock_now(), pause = POLL_FIRST;
	bool off = quiet || !isatty(STDERR_FILENO), over = false;
	char target[64];

	snprintf(target, sizeof(target), "/v1/tasks/%s", group);
	while (!over) {
		json_t *answer = control_call(state, "GET", target, -1, err);

		if (!answer)
			return -EIO;
		over = json_integer_value(json_object_get(answer, "over")) ==
		       json_integer_value(json_object_get(answer, "total"));
		if (!off)
			show_progress(answer, began, over);
		json_decref(answer);
		if (over)
			break;
		nanosleep(&(struct timespec){.tv_nsec = (long)pause}, NULL);
		pause = pause * 2 < POLL_LAST ? pause * 2 : POLL_LAST;
	}
	return 0;
}

/* All tasks of a group: the node tells of them in pages. NULL: it does not. */
static json_t *all_of(const char *state, const char *group, struct err *err)
{
	json_t *tasks = json_array();
	bool more = true;

	while (more) {
		char target[256];
		json_t *page;

		snprintf(target, sizeof(target), "/v1/tasks?skip=%zu&group=%s",
			 json_array_size(tasks), group);
		page = control_call(state, "GET", target, -1, err);
		if (!page) {
			json_decref(tasks);
			return NULL;
		}
		more = json_is_true(json_object_get(page, "more"));
		json_array_extend(tasks, json_object_get(page, "tasks"));
		json_decref(page);
	}
	return json_pack("{s:o}", "tasks", tasks);
}

static json_t *cancel(const char *state, const char *id, struct err *err)
{
	char target[256];

	snprintf(target, sizeof(target), "/v1/tasks/%s", id);
	return control_call(state, "DELETE", target, -1, err);
}

int tasks_wait(const char *state, const char *group, bool json, bool quiet, struct err *err)
{
	json_t *answer, *task;
	int code = wait_for(state, group, quiet, err), lost = 0;
	size_t i;

	if (code < 0)
		return code;
	answer = all_of(state, group, err);
	if (!answer)
		return -EIO;
	if (json)
		say_json(answer);
	json_array_foreach(json_object_get(answer, "tasks"), i, task)
	{
		int end;

		if (!json)
			lost = print_text(state, word(task, "id"), "output", stdout, err);
		if (!json && lost == 0)
			lost = print_text(state, word(task, "id"), "error", stderr, err);
		if (lost < 0)
			break;
		end = end_of(task);
		code = code ? code : end;
	}
	json_decref(answer);
	return lost < 0 ? lost : code;
}

static void print_task(const json_t *task)
{
	const json_t *runs = json_object_get(task, "runs"), *run;
	char where[96], when[48] = "", command[160];
	const json_int_t cloud = json_integer_value(json_object_get(task, "cloud_at"));
	size_t i;

	snprintf(command, sizeof(command), "%s", word(task, "command"));
	for (char *c = command; *c; c++) /* a task is a line */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	snprintf(where, sizeof(where), "%s", word(task, "by"));
	json_array_foreach((json_t *)runs, i, run)
	{
		size_t size = strlen(where);

		if (!word(task, "by")[0] && strcmp(word(run, "state"), "given") == 0)
			snprintf(where + size, sizeof(where) - size, "%s%s", size ? " " : "",
				 word(run, "node"));
	}
	if (cloud) {
		json_int_t left = cloud / 1000 - (json_int_t)time(NULL);

		snprintf(when, sizeof(when), "  (to the cloud in %lld s)",
			 (long long)(left > 0 ? left : 0));
	}
	printf("%-33s %-10s %-16s %-24s %s%s\n", word(task, "id"), word(task, "state"), where,
	       word(task, "why")[0] ? word(task, "why") : word(task, "end"), command, when);
}

int cmd_tasks(int argc, char **argv)
{
	char state[PATH_MAX] = "";
	const char *cancelled = NULL, *name;
	struct err err = {0};
	bool json = false;
	json_t *answer = NULL, *task;
	int option, code;
	size_t i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(state, sizeof(state), "%s", optarg);
			break;
		case OPTION_CANCEL:
			cancelled = optarg;
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("tasks");
		}
	}
	if (argc - optind > 1 || (cancelled && optind < argc)) {
		fputs("rivulet: one group at most: rivulet tasks --help\n", stderr);
		return USAGE;
	}
	name = cancelled ? cancelled : optind < argc ? argv[optind] : NULL;
	if (name && (!*name || strspn(name, "0123456789abcdef") != strlen(name))) {
		fprintf(stderr,
			"rivulet: '%s' is no name of a task or group: digits and letters a to f, "
			"as rivulet submit prints them\n",
			name);
		return USAGE;
	}
	code = node_find_state(state, sizeof(state), &err);
	if (code == 0)
		answer = cancelled       ? cancel(state, name, &err)
			 : optind < argc ? all_of(state, name, &err)
					 : control_call(state, "GET", "/v1/tasks", -1, &err);
	if (!answer)
		return say_failure(&err);
	if (json) {
		say_json(answer);
	} else if (!cancelled) {
		json_array_foreach(json_object_get(answer, "tasks"), i, task) print_task(task);
	}
	json_decref(answer);
	return 0;
}
