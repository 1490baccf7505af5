/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet submit: the arguments of rivulet-submit(1). */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/tasks.h"
#include "drop/control.h"
#include "drop/node.h"
#include "drop/task.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FILES_MAX TASK_FILES_MAX

enum {
	OPTION_STATE = 1,
	OPTION_EACH,
	OPTION_DEADLINE,
	OPTION_LIFETIME,
	OPTION_COPIES,
	OPTION_AGREE,
	OPTION_TIME,
	OPTION_MEMORY,
	OPTION_DISK,
	OPTION_PROCESSES,
	OPTION_WAIT,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_HELP
};

static const struct option options[] = {
	{"input", required_argument, NULL, 'i'},
	{"output", required_argument, NULL, 'o'},
	{"each", no_argument, NULL, OPTION_EACH},
	{"deadline", required_argument, NULL, OPTION_DEADLINE},
	{"lifetime", required_argument, NULL, OPTION_LIFETIME},
	{"copies", required_argument, NULL, OPTION_COPIES},
	{"agree", required_argument, NULL, OPTION_AGREE},
	{"time", required_argument, NULL, OPTION_TIME},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"disk", required_argument, NULL, OPTION_DISK},
	{"processes", required_argument, NULL, OPTION_PROCESSES},
	{"wait", no_argument, NULL, OPTION_WAIT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"state", required_argument, NULL, OPTION_STATE},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet submit [OPTION]... -- COMMAND [ARGUMENT]...\n"
	"       rivulet submit --each [OPTION]... FILE... -- COMMAND [ARGUMENT]...\n"
	"Has a task done by this device or another of its crowd. A command that is a file here\n"
	"(./analyse) goes along; any other must be there.\n"
	"\n"
	"  -i, --input FILE   goes along, under the name that it has here\n"
	"  -o, --output FILE  comes back; is there when all of it is\n"
	"  --each             one task for each FILE, which is an input; {} in the command and\n"
	"                     in names of outputs stands for its name\n"
	"  --wait             until all are done; prints what they wrote, ends as they did\n"
	"  --deadline TIME    what is not done in time goes to the cloud early enough\n"
	"  --lifetime TIME    after which it is given up (10080min, a week)\n"
	"  --copies N --agree K\n"
	"                     ask N devices; K equal results are the answer (1, 1)\n"
	"  --time TIME --memory SIZE --disk SIZE --processes N\n"
	"                     what it may use (10min, 512MiB, 256MiB, 128)\n"
	"  --state FOLDER     the node's folder, as for rivulet node\n"
	"  --json             print names of tasks, or with --wait results, as JSON\n"
	"  --quiet            no progress\n";

struct submit {
	char state[PATH_MAX];
	const char *inputs[FILES_MAX], *outputs[FILES_MAX];
	unsigned input_count, output_count;
	char **each; /* borrowed */
	int each_count;
	char **command;
	json_t *body;    /* owned */
	json_t *objects; /* owned: path -> name of its object */
	bool wait, json, quiet, grouped;
};

/* The name that a file has where the task runs: the one that it is called by here, of one elsewhere the last part. */
static const char *inner_name(const char *path)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (!task_is_name(path)) {
		const char *slash = strrchr(path, '/');

		path = slash ? slash + 1 : path;
	}
	return path;
}

/* The node is told of files in JSON, which has no other names. */
static int check_text(const char *name, struct err *err)
{
	json_t *text = json_string(name);

	json_decref(text);
	return text ? 0 : err_set(err, -EINVAL, "'%s' is no text (UTF-8)", name);
}

/* Gives the file to the node, once; borrowed. NULL: it cannot be. */
static const char *put(struct submit *submit, const char *path, struct err *err)
{
	const char *known = json_string_value(json_object_get(submit->objects, path));
	_cleanup_close_ int fd = -1;
	struct stat st;
	json_t *answer;

	if (known)
		return known;
	if (check_text(path, err) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* nor is a FIFO waited for */
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_set(err, -errno, "cannot read '%s': %s", path, strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, -EINVAL, "'%s' is no file", path);
		return NULL;
	}
	answer = control_call(submit->state, "POST", "/v1/objects", fd, err);
	if (!answer)
		return NULL;
	json_object_set(submit->objects, path, json_object_get(answer, "id"));
	json_decref(answer);
	return json_string_value(json_object_get(submit->objects, path));
}

static int add_input(struct submit *submit, json_t *inputs, const char *path, struct err *err)
{
	const char *object = put(submit, path, err), *name = inner_name(path);

	if (!object)
		return -EIO;
	if (!task_is_name(name))
		return err_set(err, -EINVAL, "'%s' has no name to go by", path);
	json_array_append_new(inputs, json_pack("{s:s, s:s, s:b}", "name", name, "object", object,
						"program", access(path, X_OK) == 0));
	return 0;
}

/* @text with each {} replaced; the caller frees. */
static char *fill_in(const char *text, const char *name)
{
	size_t room = strlen(text) + 1, size = name ? strlen(name) : 0;
	char *ret, *to;

	for (const char *at = text; name && (at = strstr(at, "{}")); at += 2)
		room += size;
	ret = to = malloc(room);
	while (ret && *text) {
		if (name && strncmp(text, "{}", 2) == 0) {
			memcpy(to, name, size);
			to += size;
			text += 2;
		} else {
			*to++ = *text++;
		}
	}
	if (ret)
		*to = '\0';
	return ret;
}

static int add_output(json_t *outputs, const char *path, const char *each, struct err *err)
{
	_cleanup_free_ char *filled = fill_in(path, each), *folder = NULL, *full = NULL;
	char *slash = filled ? strrchr(filled, '/') : NULL;
	char real[PATH_MAX];
	const char *name;

	if (!filled)
		return err_set(err, -ENOMEM, "out of memory");
	folder = slash ? strndup(filled, (size_t)(slash - filled) + 1) : strdup(".");
	if (!folder || !realpath(folder, real))
		return err_set(err, -errno, "there is no folder for '%s': %s", filled,
			       strerror(errno));
	name = inner_name(filled);
	if (!task_is_name(name))
		return err_set(err, -EINVAL, "'%s' is no name of a file", filled);
	if (asprintf(&full, "%s/%s", real, slash ? slash + 1 : filled) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (check_text(full, err) < 0)
		return -EINVAL;
	if (json_object_get(outputs, name))
		return err_set(err, -EINVAL, "'%s' is an output twice", name);
	json_object_set_new(outputs, name, json_string(full));
	return 0;
}

/* How a task is called in lists. */
static json_t *label_of(const json_t *arguments)
{
	char text[160] = "";
	const json_t *word;
	size_t i;

	json_array_foreach((json_t *)arguments, i, word)
	{
		size_t size = strlen(text);

		snprintf(text + size, sizeof(text) - size, "%s%s", i ? " " : "",
			 json_string_value(word));
	}
	/* Cut in the middle of a character it is no text. */
	for (size_t size = strlen(text);; size--) {
		json_t *label = json_string(text);

		if (label || size == 0)
			return label;
		text[size - 1] = '\0';
	}
}

static int add_task(struct submit *submit, json_t *tasks, const char *each, struct err *err)
{
	json_t *arguments = json_array(), *inputs = json_array(), *outputs = json_object();
	const char *program = submit->command[0];
	int code = 0;

	for (char **word = submit->command; *word && code == 0; word++) {
		_cleanup_free_ char *filled = fill_in(*word, each ? inner_name(each) : NULL);
		json_t *text = filled ? json_string(filled) : NULL;

		if (!text)
			code = err_set(err, -EINVAL, "'%s' is no text (UTF-8)", *word);
		json_array_append_new(arguments, text);
	}
	if (code == 0 && program && strchr(program, '/') && program[0] != '/') {
		/* Called as it is here, whatever the name is there. */
		char called[TASK_NAME_MAX + 2];

		snprintf(called, sizeof(called), "./%s", inner_name(program));
		json_array_set_new(arguments, 0, json_string(called));
		code = add_input(submit, inputs, program, err);
	}
	for (unsigned i = 0; i < submit->input_count && code == 0; i++)
		code = add_input(submit, inputs, submit->inputs[i], err);
	if (each && code == 0)
		code = add_input(submit, inputs, each, err);
	for (unsigned i = 0; i < submit->output_count && code == 0; i++)
		code = add_output(outputs, submit->outputs[i], each, err);
	json_array_append_new(tasks, json_pack("{s:o, s:o, s:o, s:o}", "label", label_of(arguments),
					       "arguments", arguments, "inputs", inputs, "outputs",
					       outputs));
	return code;
}

/* The body goes through a file in memory, for it may be long. */
static json_t *post(const struct submit *submit, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(submit->body, JSON_COMPACT);
	_cleanup_close_ int fd = memfd_create("submit", MFD_CLOEXEC);

	if (!text || fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return control_call(submit->state, "POST", "/v1/tasks", fd, err);
}

static int run(struct submit *submit, struct err *err)
{
	json_t *tasks = json_array(), *answer;
	const char *group;
	int code = 0;

	json_object_set_new(submit->body, "tasks", tasks);
	if (!submit->grouped)
		code = add_task(submit, tasks, NULL, err);
	for (int i = 0; i < submit->each_count && code == 0; i++)
		code = add_task(submit, tasks, submit->each[i], err);
	answer = code == 0 ? post(submit, err) : NULL;
	if (!answer)
		return -EIO;
	group = json_string_value(json_object_get(answer, "group"));
	if (submit->wait) {
		code = tasks_wait(submit->state, group ? group : "", submit->json, submit->quiet,
				  err);
	} else if (submit->json) {
		say_json(answer);
	} else {
		puts(group);
	}
	json_decref(answer);
	return code;
}

static int set_time(json_t *to, const char *name, const char *text, struct err *err)
{
	uint64_t ns;
	int code = units_parse_time(text, &ns, err);

	if (code < 0)
		return err_prefix(err, code, "--%s", name);
	json_object_set_new(to, name, json_integer((json_int_t)(ns / NS_PER_MS)));
	return 0;
}

static int set_count(json_t *to, const char *name, const char *text, bool bytes, struct err *err)
{
	uint64_t value;
	int code =
		bytes ? units_parse_bytes(text, &value, err) : units_parse_count(text, &value, err);

	if (code == 0 && value > (bytes ? INT64_MAX : INT32_MAX))
		code = err_set(err, -ERANGE, "'%.40s' is too large", text);
	if (code < 0)
		return err_prefix(err, code, "--%s", name);
	json_object_set_new(to, name, json_integer((json_int_t)value));
	return 0;
}

static int add_name(const char *names[], unsigned *count, const char *name, struct err *err)
{
	if (*count == FILES_MAX)
		return err_set(err, -E2BIG, "a task has at most %u files of a kind", FILES_MAX);
	names[(*count)++] = name;
	return 0;
}

static int set_option(struct submit *submit, int option, json_t *limits, struct err *err)
{
	switch (option) {
	case 'i':
		return add_name(submit->inputs, &submit->input_count, optarg, err);
	case 'o':
		return add_name(submit->outputs, &submit->output_count, optarg, err);
	case OPTION_STATE:
		snprintf(submit->state, sizeof(submit->state), "%s", optarg);
		return 0;
	case OPTION_EACH:
		submit->grouped = true;
		return 0;
	case OPTION_DEADLINE:
		return set_time(submit->body, "deadline", optarg, err);
	case OPTION_LIFETIME:
		return set_time(submit->body, "lifetime", optarg, err);
	case OPTION_COPIES:
		return set_count(submit->body, "copies", optarg, false, err);
	case OPTION_AGREE:
		return set_count(submit->body, "agree", optarg, false, err);
	case OPTION_TIME:
		return set_time(limits, "time", optarg, err);
	case OPTION_MEMORY:
		return set_count(limits, "memory", optarg, true, err);
	case OPTION_DISK:
		return set_count(limits, "disk", optarg, true, err);
	case OPTION_PROCESSES:
		return set_count(limits, "processes", optarg, false, err);
	case OPTION_WAIT:
		submit->wait = true;
		return 0;
	case OPTION_JSON:
		submit->json = true;
		return 0;
	default:
		submit->quiet = true;
		return 0;
	}
}

/* What stands before "--" are files of --each; the command is behind it. */
static int split(struct submit *submit, int argc, char **argv, struct err *err)
{
	int dashes = 1;

	while (dashes < argc && strcmp(argv[dashes], "--") != 0)
		dashes++;
	if (dashes >= argc - 1 || !argv[dashes + 1][0])
		return err_set(err, -EINVAL, "which command? rivulet submit ... -- COMMAND");
	submit->command = argv + dashes + 1;
	submit->each = argv + optind;
	submit->each_count = dashes - optind;
	if (submit->grouped && submit->each_count == 0)
		return err_set(err, -EINVAL, "--each: which files? They stand before --");
	if (!submit->grouped && submit->each_count > 0)
		return err_set(err, -EINVAL, "'%s' is no option: rivulet submit --help",
			       submit->each[0]);
	return 0;
}

int cmd_submit(int argc, char **argv)
{
	struct submit submit = {.body = json_object(), .objects = json_object()};
	json_t *limits = json_object();
	mode_t mask = umask(0);
	struct err err = {0};
	int option, dashes = 1, code = 0;

	umask(mask);
	json_object_set_new(submit.body, "limits", limits);
	json_object_set_new(submit.body, "mode", json_integer(0666 & ~mask));
	while (dashes < argc && strcmp(argv[dashes], "--") != 0)
		dashes++;
	/* Only what stands before the command is ours. */
	while (code == 0 && (option = getopt_long(dashes, argv, "i:o:", options, NULL)) != -1) {
		if (option == OPTION_HELP) {
			fputs(usage, stdout);
			code = 1;
		} else if (option == '?') {
			say_try_help("submit");
			code = -EINVAL;
		} else {
			code = set_option(&submit, option, limits, &err);
		}
	}
	if (code == 0)
		code = split(&submit, argc, argv, &err);
	if (code < 0) {
		if (err.text[0])
			say_failure(&err);
		code = USAGE;
	} else if (code == 1) {
		code = 0;
	} else {
		code = node_find_state(submit.state, sizeof(submit.state), &err);
		if (code == 0)
			code = run(&submit, &err);
		if (code < 0) {
			say_failure(&err);
			code = 1;
		}
	}
	json_decref(submit.body);
	json_decref(submit.objects);
	return code;
}
