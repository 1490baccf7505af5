/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `rivulet` starts with few libraries: to map and link those for TLS, databases and the web took a fifth of the time of a
 * `rivulet run`, and memory for as long as it went on. What needs them is in rivulet-whole, the same program without this file
 * and run/no_via.c. It takes this one's place where it is asked for.
 */
#include "base/installed.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/via.h"
#include "drop/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHOLE "rivulet-whole"

/* @argv[0] is "rivulet SUBCOMMAND". Returns if it cannot be. */
static int become_whole(int argc, char **argv, struct err *err)
{
	static char name[] = "rivulet";
	char **arguments = calloc((size_t)argc + 2, sizeof(*arguments)), path[PATH_MAX];
	int code = arguments ? installed_find(WHOLE, path) : -ENOMEM;

	if (code == 0) {
		arguments[0] = name;
		arguments[1] = strchr(argv[0], ' ') + 1;
		memcpy(arguments + 2, argv + 1, (size_t)argc * sizeof(*arguments));
		execv(path, arguments);
		code = -errno;
	}
	free(arguments);
	return err_set(err, code, "cannot start " WHOLE ", which is installed with rivulet: %s",
		       strerror(-code));
}

/* Each of the commands that need more. */
static int whole(int argc, char **argv)
{
	struct err err;

	become_whole(argc, argv, &err);
	return say_failure(&err);
}

__typeof__(whole) cmd_relay __attribute__((alias("whole")));
__typeof__(whole) cmd_node __attribute__((alias("whole")));
__typeof__(whole) cmd_crowd __attribute__((alias("whole")));
__typeof__(whole) cmd_peers __attribute__((alias("whole")));
__typeof__(whole) cmd_put __attribute__((alias("whole")));
__typeof__(whole) cmd_get __attribute__((alias("whole")));
__typeof__(whole) cmd_submit __attribute__((alias("whole")));
__typeof__(whole) cmd_tasks __attribute__((alias("whole")));

int sandbox_main(int argc, char **argv)
{
	return USAGE; /* it is rivulet-whole that becomes one */
}

int via_elsewhere(int argc, char **argv, struct err *err)
{
	return become_whole(argc, argv, err);
}
