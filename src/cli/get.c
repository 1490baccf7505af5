/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rivulet get: the arguments of rivulet-get(1). A URL is fetched here, by curl and with the user's own rights, not by the node:
 * what comes is put to the node, which says by its name whether it is what was asked for. Where it was not asked for by a name the
 * crowd is asked first what somebody found there.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "drop/control.h"
#include "drop/messages.h"
#include "drop/node.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ID_SIZE 64
#define BLOCK   (1u << 17)

#define NAME_WAIT (3 * NS_PER_S) /* for somebody who has fetched an URL, unless told */
#define NAME_LOOK 50             /* ms */
#define URL_ROOM  3100           /* an URL whose every letter is escaped */

enum { OPTION_STATE = 1, OPTION_WAIT, OPTION_URL, OPTION_QUIET, OPTION_HELP };

static const struct option options[] = {
	{"state", required_argument, NULL, OPTION_STATE},
	{"output", required_argument, NULL, 'o'},
	{"wait", required_argument, NULL, OPTION_WAIT},
	{"url", required_argument, NULL, OPTION_URL},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet get [OPTION]... ID|URL\n"
	"Writes the object ID, as rivulet put named it, from this device or whoever of the crowd\n"
	"has it, to standard output; or what the crowd, else the web, has of an http or https "
	"URL.\n"
	"\n"
	"  -o, --output FILE  write it to FILE, which is there when it is whole\n"
	"  --wait TIME        give up when nothing came for so long (60s)\n"
	"  --url URL          then fetch it from there (by curl); it is checked as any other\n"
	"  --state FOLDER     the node's folder, as for rivulet node\n"
	"  --quiet            no progress\n";

struct getting {
	char state[PATH_MAX];
	const char *id, *output, *url;
	uint64_t wait;          /* ns */
	bool quiet, waits;      /* waits: it was told for how long */
	char name[ID_SIZE + 1]; /* of what a URL has */
};

static int write_all(int fd, const char *data, size_t size, struct err *err)
{
	while (size) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_set(err, -errno, "cannot write: %s", strerror(errno));
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

/* -ENOENT: nobody has it. */
static int get_to(const struct getting *getting, int fd, struct err *err)
{
	_cleanup_free_ char *block = malloc(BLOCK);
	struct progress progress;
	struct control control;
	char target[128];
	ssize_t got;
	int code;

	if (!block)
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(target, sizeof(target), "/v1/objects/%s?timeout=%" PRIu64, getting->id,
		 (uint64_t)(getting->wait / NS_PER_MS));
	code = control_ask(&control, getting->state, "GET", target, NULL, err);
	if (code == 0 && control.status != 200) {
		json_decref(control_json(&control, err));
		code = control.status == 404 ? -ENOENT : -EREMOTEIO;
	} else if (code == 0) {
		progress_begin(&progress, control.size, getting->quiet);
		while (code == 0 && (got = control_read(&control, block, BLOCK, err)) != 0) {
			code = got < 0 ? (int)got : write_all(fd, block, (size_t)got, err);
			progress_at(control.got, &progress);
		}
		progress_end(&progress);
	}
	control_close(&control);
	return code;
}

/* "PATH?url=URL", the URL escaped. */
static const char *target_of(const char *path, const char *url, char ret[static URL_ROOM])
{
	size_t at = (size_t)snprintf(ret, URL_ROOM, "%s?url=", path);

	for (; *url && at + 4 < URL_ROOM; url++) {
		if (strchr("%&=+#?", *url))
			at += (size_t)snprintf(ret + at, 4, "%%%02X", (unsigned char)*url);
		else
			ret[at++] = *url;
	}
	ret[at] = '\0';
	return ret;
}

static void take_name(struct getting *getting, const char *id)
{
	snprintf(getting->name, sizeof(getting->name), "%s", id);
	getting->id = getting->name;
}

/* What is said to be there. -ENOENT: nobody of the crowd has said so yet. */
static int ask_for_name(struct getting *getting, struct err *err)
{
	char target[URL_ROOM], when[32];
	struct control control;
	json_t *answer = NULL;
	const char *id, *node;
	time_t fetched;
	struct tm tm;
	int code = control_ask(&control, getting->state, "GET",
			       target_of("/v1/urls", getting->url, target), NULL, err);

	if (code == 0)
		answer = control_json(&control, err);
	if (code == 0 && control.status != 200)
		code = control.status == 404 ? -ENOENT : -EINVAL;
	control_close(&control);
	if (code < 0) {
		json_decref(answer);
		return code;
	}
	id = json_string_value(json_object_get(answer, "id"));
	node = json_string_value(json_object_get(answer, "node"));
	fetched = (time_t)(json_integer_value(json_object_get(answer, "fetched")) / 1000);
	code = id && node && strlen(id) == ID_SIZE ? 0 : -EPROTO;
	if (code == 0) {
		take_name(getting, id);
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&fetched, &tm));
		if (!getting->quiet)
			fprintf(stderr, "rivulet: as '%s' fetched it on %s\n", node, when);
	}
	json_decref(answer);
	return code;
}

static int find_name(struct getting *getting, struct err *err)
{
	uint64_t began = clock_now(), wait = getting->waits ? getting->wait : NAME_WAIT;
	const struct timespec pause = {.tv_nsec = (long)(NAME_LOOK * NS_PER_MS)};
	int code;

	while ((code = ask_for_name(getting, err)) == -ENOENT && clock_now() - began < wait)
		nanosleep(&pause, NULL);
	return code;
}

/* A curl that is running. */
struct fetching {
	pid_t pid;
	int status; /* when it has ended */
};

static int start_curl(const char *url, struct fetching *ret, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	ret->pid = fork();
	if (ret->pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("curl", "curl", "--silent", "--show-error", "--fail", "--location",
		       "--proto", "=http,https", "--", url, (char *)NULL);
		fprintf(stderr, "rivulet: cannot start curl: %s\n", strerror(errno));
		_exit(127);
	}
	close_fd(ends[1]);
	if (ret->pid > 0)
		return ends[0];
	close_fd(ends[0]);
	return err_set(err, -EAGAIN, "cannot start curl: no process");
}

/* Once; it has closed its output. */
static bool is_fetched(void *data)
{
	struct fetching *fetching = data;

	while (fetching->pid > 0 && waitpid(fetching->pid, &fetching->status, 0) < 0 &&
	       errno == EINTR)
		;
	fetching->pid = 0;
	return fetching->status == 0;
}

/* Gives the node what the URL has, if curl says that this is all. */
static int fetch(struct getting *getting, struct err *err)
{
	char target[URL_ROOM];
	struct fetching fetching = {.status = -1};
	struct control control;
	int from = start_curl(getting->url, &fetching, err), code;
	json_t *answer;
	const char *id;

	if (from < 0)
		return from;
	code = control_ask(
		&control, getting->state, "POST", target_of("/v1/objects", getting->url, target),
		&(struct control_body){.fd = from, .whole = is_fetched, .data = &fetching}, err);
	close_fd(from); /* what the node did not want to hear all of ends now */
	answer = code < 0 ? NULL : control_json(&control, err);
	control_close(&control);
	id = json_string_value(json_object_get(answer, "id"));
	is_fetched(&fetching);
	if (code == -ENODATA)
		err_set(err, code, "curl could not fetch '%s'", getting->url);
	else if (code == 0 && !id)
		code = -EIO;
	else if (code == 0 && !getting->id)
		take_name(getting, id);
	else if (code == 0 && strcmp(id, getting->id) != 0)
		code = err_set(err, -EBADMSG, "what '%s' has is another object: %s", getting->url,
			       id);
	json_decref(answer);
	return code;
}

/* Where what is got goes. */
struct output {
	int fd;
	off_t begin; /* what was there before is somebody else's; -1: there is no way back to it */
	char making[PATH_MAX]; /* the file until it is whole; "": it is written as it comes */
};

/* A device, a pipe or a file that standard output is cannot be put in another's place. */
static int open_output(const struct getting *getting, struct output *ret, struct err *err)
{
	const char *path = getting->output;
	struct stat st;

	*ret = (struct output){.fd = STDOUT_FILENO};
	if (path && stat(path, &st) < 0)
		st.st_mode = S_IFREG;
	if (path && S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "cannot write '%s': %s", path, strerror(EISDIR));
	if (path && !S_ISREG(st.st_mode)) {
		ret->fd = open(path, O_WRONLY | O_CLOEXEC);
	} else if (path) {
		if (snprintf(ret->making, sizeof(ret->making), "%s.part", path) >=
		    (int)sizeof(ret->making))
			return err_set(err, -ENAMETOOLONG, "'%s' is too long", path);
		path = ret->making;
		ret->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	if (ret->fd < 0)
		return err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
	ret->begin = lseek(ret->fd, 0, fcntl(ret->fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
	return 0;
}

/* To where it began, for all of it comes again. */
static bool go_back(const struct output *output)
{
	return output->begin >= 0 && ftruncate(output->fd, output->begin) == 0 &&
	       lseek(output->fd, output->begin, SEEK_SET) >= 0;
}

/* The output is in its place, or what there is of it is gone. */
static int end_output(const struct getting *getting, struct output *output, int code,
		      struct err *err)
{
	if (output->fd != STDOUT_FILENO && close(output->fd) < 0 && code == 0)
		code = err_set(err, -errno, "cannot write '%s': %s", getting->output,
			       strerror(errno));
	if (!output->making[0])
		return code;
	if (code == 0 && rename(output->making, getting->output) < 0)
		code = err_set(err, -errno, "cannot write '%s': %s", getting->output,
			       strerror(errno));
	if (code < 0)
		unlink(output->making);
	return code;
}

static int get(struct getting *getting, bool by_url, struct err *err)
{
	struct output output;
	int code = open_output(getting, &output, err);

	if (code < 0)
		return code;
	code = by_url && getting->url ? find_name(getting, err) : 0;
	if (code == 0)
		code = get_to(getting, output.fd, err);
	if (by_url)
		getting->id = NULL; /* there it may be something else by now */
	if (getting->url && (code == -ENOENT || (code == -EPIPE && go_back(&output)))) {
		code = fetch(getting, err);
		if (code == 0)
			code = get_to(getting, output.fd, err);
	}
	return end_output(getting, &output, code, err);
}

int cmd_get(int argc, char **argv)
{
	struct getting getting = {.wait = 60 * NS_PER_S};
	struct err err = {0};
	bool by_url;
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (option) {
		case OPTION_STATE:
			snprintf(getting.state, sizeof(getting.state), "%s", optarg);
			break;
		case 'o':
			getting.output = optarg;
			break;
		case OPTION_WAIT:
			code = units_parse_time(optarg, &getting.wait, &err);
			if (code < 0)
				err_prefix(&err, code, "--wait");
			getting.waits = true;
			break;
		case OPTION_URL:
			getting.url = optarg;
			break;
		case OPTION_QUIET:
			getting.quiet = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return say_try_help("get");
		}
	}
	if (code < 0) {
		say_failure(&err);
		return USAGE;
	}
	if (optind != argc - 1) {
		fputs("rivulet: which object? rivulet get --help\n", stderr);
		return USAGE;
	}
	by_url = url_is_one(argv[optind], strlen(argv[optind]));
	if (by_url)
		getting.url = argv[optind];
	else
		getting.id = argv[optind];
	if (getting.url && !url_is_one(getting.url, strlen(getting.url)))
		code = err_set(&err, -EINVAL, "'%s' is no http or https URL", getting.url);
	if (code == 0 && !by_url &&
	    (strlen(getting.id) != ID_SIZE || strspn(getting.id, "0123456789abcdef") != ID_SIZE))
		code = err_set(&err, -EINVAL,
			       "'%s' is no object's name: 64 digits and letters a to f, as rivulet "
			       "put prints them",
			       getting.id);
	if (code < 0) {
		say_failure(&err);
		return USAGE;
	}
	code = node_find_state(getting.state, sizeof(getting.state), &err);
	if (code == 0)
		code = get(&getting, by_url, &err);
	if (code < 0)
		say_failure(&err);
	return code < 0 ? 1 : 0;
}
