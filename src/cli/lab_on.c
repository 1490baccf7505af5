/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rivulet lab on HOST -- COMMAND`: from inside a lab, in another host of it. */
#include "base/cleanup.h"
#include "cli/lab.h"
#include "lab/spawn.h"

#include <string.h>

int lab_cmd_on(int argc, char **argv)
{
	const char *lab = getenv(SPAWN_LAB);
	_cleanup_close_ int ns = -1;
	struct err err = {0};
	char **command = argv + 2;
	int code;

	if (argc > 2 && !strcmp(*command, "--"))
		command++;
	if (argc < 3 || !*command)
		return lab_complain(LAB_FAILED, "usage: rivulet lab on HOST -- COMMAND...");
	if (!lab)
		return lab_complain(LAB_FAILED, "not inside a lab (no " SPAWN_LAB "): start one "
						"with `rivulet lab shell SCENARIO`");
	ns = spawn_find(lab, argv[1], &err);
	code = ns < 0 ? ns : spawn_enter(ns, argv[1], lab, &err);
	if (code < 0)
		return lab_complain(LAB_FAILED, "%s", err.text);
	execvp(command[0], command);
	code = -errno;
	return lab_complain(spawn_exit_code(code), "%s: %s", command[0], strerror(-code));
}
