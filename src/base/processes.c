/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/processes.h"

#include <stdlib.h>
#include <unistd.h>

const char processes_advice[] =
	"/proc does not show the processes of this PID namespace (it is to be mounted in there: "
	"`unshare --mount-proc`)";

bool processes_are_ours(void)
{
	char text[16];
	ssize_t length = readlink("/proc/self", text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	return strtol(text, NULL, 10) == getpid();
}
