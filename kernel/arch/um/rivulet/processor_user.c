// SPDX-License-Identifier: GPL-2.0-only
/*
 * One processor for the kernel and the programs in it.
 *
 * Of them only one runs at a time: each system call of a program is two switches, to the kernel's process and back. The host's
 * scheduler would rather wake the other one on a processor that is idle, which takes many times as long, above all in a virtual
 * machine, where that processor has been given away. So both are kept on the processor that the kernel is on.
 *
 * Where others want that processor as well, the kernel waits for it while another may be idle. So when it has waited for more than
 * a fourth of the time, it is let go, and stays where the scheduler puts it at its next turn.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracing_user.h"

#define LOOK_EVERY_NS 50000000ULL

static enum { NEW, KEPT, LOOSE, NO_CHOICE } state;
static cpu_set_t all;  /* that may be used */
static cpu_set_t here; /* the one that is */
static int program;    /* that was put there last */
static unsigned long long looked_at, waited;

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* How long the kernel was ready to run and did not; 0: the host does not tell. */
static unsigned long long read_waited(void)
{
	static int file = -1;
	char text[80], *rest;
	ssize_t size;

	if (file < 0)
		file = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	size = pread(file, text, sizeof(text) - 1, 0);
	if (size <= 0)
		return 0;
	text[size] = '\0';
	strtoull(text, &rest, 10); /* how long it ran */
	return strtoull(rest, NULL, 10);
}

/* The C library's functions of these names are hidden behind the kernel's own. */
static int get_processors(cpu_set_t *ret)
{
	return syscall(SYS_sched_getaffinity, 0, sizeof(*ret), ret) < 0 ? -1 : 0;
}

static int set_processors(int pid, const cpu_set_t *set)
{
	return syscall(SYS_sched_setaffinity, pid, sizeof(*set), set);
}

static void keep(void)
{
	int processor = sched_getcpu();

	state = NO_CHOICE;
	if (processor < 0)
		return;
	CPU_ZERO(&here);
	CPU_SET(processor, &here);
	if (set_processors(0, &here) == 0)
		state = KEPT;
	program = 0;
}

static void look(unsigned long long now)
{
	unsigned long long before = waited;

	waited = read_waited();
	if (waited - before > (now - looked_at) / 4 && looked_at && set_processors(0, &all) == 0)
		state = LOOSE;
	looked_at = now;
}

void processor_follow(int pid)
{
	unsigned long long now = now_ns();

	if (state == NEW && (get_processors(&all) < 0 || CPU_COUNT(&all) < 2))
		state = NO_CHOICE;
	if (state == NEW || state == LOOSE)
		keep();
	if (state != KEPT)
		return;
	if (program != pid && set_processors(pid, &here) == 0)
		program = pid;
	if (now - looked_at > LOOK_EVERY_NS)
		look(now);
}
