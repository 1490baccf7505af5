/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet put: the arguments of rivulet-put(1). */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "drop/control.h"
#include "drop/eid.h"
#include "drop/node.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTION_STATE = 1, OPTION_TO, OPTION_LIFETIME, OPTION_JSON, OPTION_QUIET, OPTION_HELP };

static const struct option options[] = {
	{"state", required_argument, NULL, OPTION_STATE},
	{"to", required_argument, NULL, OPTION_TO},
	{"lifetime", required_argument, NULL, OPTION_LIFETIME},
	{"json", no_argument, NULL, OPTION_JSON},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet put [OPTION]... FILE      (-: standard input)\n"
	"Gives a file to this device's node, and prints the name, made of its content, by which\n"
	"all nodes of the crowd can get it.\n"
	"\n"
	"  --to NODE        and brings it to that node, over others if need be\n"
	"  --lifetime TIME  --to: for how long that is tried (10080min, a week)\n"
	"  --state FOLDER   the node's folder, as for rivulet node\n"
	"  --json           print name and size as JSON\n"
	"  --quiet          no progress\n";

static int ask(const char *state, const char *file, const char *target, bool quiet, json_t **ret,
	       struct err *err)
{
	_cleanup_close_ int opened = -1;
	struct progress progress = {0};
	struct control control;
	struct stat st;
	int fd = STDIN_FILENO, code;

	if (strcmp(file, "-") != 0) {
		fd = opened = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_set(err, -errno, "cannot open '%s': %s", file, strerror(errno));
	}
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot read '%s': %s", file, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "'%s' is a folder", file);
	progress_begin(&progress, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, quiet);
	code = control_ask(&control, state, "POST", target,
			   &(struct control_body){.fd = fd, .sent = progress_at, .data = &progress},
			   err);
	progress_end(&progress);
	*ret = code < 0 ? NULL : control_json(&control, err);
	control_close(&control);
	return *ret ? 0 : -EIO;
}

int cmd_put(int argc, char **argv)
{
	char state[PATH_MAX] = "", target[256] = "/v1/objects";
	const char *to = NULL;
	uint64_t lifetime = 7 * 86400 * NS_PER_S;
	bool json = false, quiet = false;
	json_t *answer = NULL;
	struct err err = {0};
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(state, sizeof(state), "%s", optarg);
			break;
		case OPTION_TO:
			to = optarg;
			break;
		case OPTION_LIFETIME:
			code = units_parse_time(optarg, &lifetime, &err);
			if (code < 0)
				err_prefix(&err, code, "--lifetime");
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_QUIET:
			quiet = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("put");
		}
	}
	if (code == 0 && optind != argc - 1) {
		fputs("rivulet: which file? rivulet put --help\n", stderr);
		return USAGE;
	}
	if (code == 0 && to && !eid_is_name(to))
		code = err_set(&err, -EINVAL, "--to: '%s' is no node's name", to);
	if (code < 0) {
		say_failure(&err);
		return USAGE;
	}
	if (to)
		snprintf(target, sizeof(target), "/v1/objects?to=%s&lifetime=%" PRIu64, to,
			 (uint64_t)(lifetime / NS_PER_MS));
	code = node_find_state(state, sizeof(state), &err);
	if (code == 0)
		code = ask(state, argv[optind], target, quiet, &answer, &err);
	if (code < 0)
		return say_failure(&err);
	if (json)
		say_json(answer);
	else
		puts(json_string_value(json_object_get(answer, "id")));
	json_decref(answer);
	return 0;
}
