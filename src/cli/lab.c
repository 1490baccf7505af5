/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet lab`: the table of its subcommands, and where scenarios are found. */
#include "cli/lab.h"

#include "base/cleanup.h"
#include "cli/commands.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define PARENTS 3 /* how far above the program a folder of scenarios is looked for */

static const struct {
	const char *name, *arguments, *summary;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{"run", "SCENARIO [OPTION...] -- COMMAND...", "run a command in a host of a lab",
	 lab_cmd_run},
	{"shell", "SCENARIO [OPTION...]", "the same, with your shell as the command",
	 lab_cmd_shell},
	{"on", "HOST -- COMMAND...", "inside a lab: run a command in another host", lab_cmd_on},
	{"show", "SCENARIO [--json]", "print a scenario's hosts, links and events", lab_cmd_show},
	{"check", "SCENARIO...", "look for mistakes in scenarios", lab_cmd_check},
};

static void help(FILE *out)
{
	fputs("Usage: rivulet lab SUBCOMMAND ...\n"
	      "Hosts and links on this machine, as a scenario describes them.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		fprintf(out, "  %-5s %-36s %s\n", subcommands[i].name, subcommands[i].arguments,
			subcommands[i].summary);
	fputs("\nOptions of run and shell:\n"
	      "  --on HOST           where the command runs; the first host unless told\n"
	      "  --also 'HOST: CMD'  a server (for sh -c), up before the command starts; "
	      "repeatable\n"
	      "  --pcap FOLDER       captures, one at each end of each link\n"
	      "  --stats[=FILE]      at the end, what went over each link (to standard error)\n"
	      "  --json              the same as JSON\n"
	      "  --samples FILE      every 100 ms a JSON line for each direction of each link\n"
	      "  --from-traffic      events count from the host's first TCP segment, not from the "
	      "command's start\n"
	      "  --seed N            in place of the scenario's\n"
	      "  --wire tap|veth     how links are made; the best that can be had unless told\n"
	      "  --verbose           say what could not be had\n"
	      "\nSCENARIO is a file, or the name of a scenario that came with Rivulet.\n"
	      "The exit code is the command's; 125 means that the lab failed.\n",
	      out);
}

int cmd_lab(int argc, char **argv)
{
	static char name[64];

	if (argc < 2) {
		help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(stdout);
		return 0;
	}
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help")) {
			help(stdout);
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(argv[1], subcommands[i].name)) {
			snprintf(name, sizeof(name), "rivulet lab %s", subcommands[i].name);
			argv[1] = name;
			return subcommands[i].run(argc - 1, argv + 1);
		}
	return lab_complain(2, "no subcommand '%s'; `rivulet lab --help` lists them", argv[1]);
}

int lab_complain(int exit_code, const char *fmt, ...)
{
	va_list args;

	fputs("rivulet lab: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return exit_code;
}

/* FOLDER/NAME.yaml, if there is such a file; else NULL. The caller frees. */
static char *shipped(const char *folder, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s.yaml", folder, name) < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* In a build tree: beside the program, or some folders above it. */
static char *shipped_near(const char *name)
{
	char program[4096];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash, *found = NULL;

	if (length < 0)
		return NULL;
	program[length] = '\0';
	for (int i = 0; !found && i <= PARENTS && (slash = strrchr(program, '/')); i++) {
		size_t room = sizeof(program) - (size_t)(slash - program);

		if (room <= sizeof("/scenarios"))
			return NULL;
		memcpy(slash, "/scenarios", sizeof("/scenarios"));
		found = shipped(program, name);
		*slash = '\0';
	}
	return found;
}

int lab_find_scenario(const char *name, struct scenario **ret, struct err *err)
{
	const char *chosen = getenv("RIVULET_SCENARIOS");
	_cleanup_free_ char *path = NULL;
	struct stat st;

	/* A folder of that name is something else. */
	if (!strchr(name, '/') && (stat(name, &st) < 0 || S_ISDIR(st.st_mode))) {
		path = chosen ? shipped(chosen, name) : NULL;
		if (!path)
			path = shipped(RIVULET_DATADIR "/scenarios", name);
		if (!path)
			path = shipped_near(name);
		if (!path)
			return err_set(err, -ENOENT,
				       "there is no file '%s', and no scenario of that name in "
				       "$RIVULET_SCENARIOS or " RIVULET_DATADIR "/scenarios",
				       name);
	}
	return scenario_load(path ? path : name, ret, err);
}
