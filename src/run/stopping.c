/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/stopping.h"

#include "base/cleanup.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_FIRST_MS 20
#define LOOK_LAST_MS  320

/* True as well if it cannot be seen. */
static bool is_stopped(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	const char *name_end;
	char path[40], line[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return true;
	name_end = strrchr(line, ')');
	return !name_end || strncmp(name_end, ") T", 3) == 0 || strncmp(name_end, ") t", 3) == 0;
}

/* Until it is killed: who is told before he has stopped has to be told again. */
static noreturn void wake(pid_t program, pid_t stopped)
{
	long ms = LOOK_FIRST_MS;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	while (getppid() == stopped) {
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
		if (!is_stopped(program))
			kill(stopped, SIGCONT);
		else if (ms < LOOK_LAST_MS)
			ms *= 2;
	}
	_exit(0);
}

pid_t stop_with(pid_t program)
{
	pid_t self = getpid(), waker = fork();

	if (waker == 0)
		wake(program, self);
	raise(SIGSTOP);
	if (waker < 0)
		return 0;
	kill(waker, SIGKILL);
	waitpid(waker, NULL, 0);
	return waker;
}
