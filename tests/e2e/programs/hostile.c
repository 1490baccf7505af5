/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile SEED SECONDS SUPERVISOR: does to who supervises it what no program should, at random, and ends with 0 unless something
 * came its way that is not its own.
 *
 * Processes come and go. In each, threads make calls on sockets with arguments from memory that another thread keeps changing,
 * pointers that lead nowhere or end too early, lengths and families that there are not; one closes and replaces descriptors while
 * they do; signals break their waiting off; some leave their namespaces, hide their memory, become another program or are
 * killed at a bad moment. All that a process holds at its end must be of its own making.
 */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, DESCRIPTORS = 48, FIRST = 3, CALLERS = 4, PROCESSES = 3 };

/* Pages: two that change, of which the first is not always there; one before a hole; one that cannot be written. */
static uint8_t *changing, *edge, *fixed;
static double until;
static pid_t supervisor; /* of the relay; 0: it is not a relay's */

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static uint32_t below(uint32_t *state, uint32_t limit)
{
	return next(state) % limit;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What might be an address: of this host or another one, of a port that is open, or none at all. */
static void put_address(uint32_t *state, uint8_t *at)
{
	static const uint16_t families[] = {AF_INET,   AF_INET, AF_INET, AF_INET6,
					    AF_UNSPEC, AF_UNIX, 0xffff};
	struct sockaddr_in6 a = {.sin6_family = families[below(state, 7)]};
	struct sockaddr_in *four = (struct sockaddr_in *)&a;

	if (below(state, 8) == 0)
		a.sin6_family = (uint16_t)next(state);
	a.sin6_port = htons(below(state, 2) ? 7004 : (uint16_t)(7000 + below(state, 16)));
	if (a.sin6_family == AF_INET)
		four->sin_addr.s_addr = htonl(below(state, 2) ? 0x0a010001 : INADDR_LOOPBACK);
	else
		a.sin6_addr = in6addr_loopback;
	memcpy(at, &a, sizeof(a));
}

static void *change(void *data)
{
	uint32_t state = (uint32_t)(uintptr_t)data;

	while (now() < until) {
		uint8_t *at = changing + below(&state, 2 * PAGE - 64);

		if (below(&state, 2)) /* mostly where pointer() leads to */
			put_address(&state, changing + below(&state, 64) * 32);
		else
			*(volatile uint32_t *)((uintptr_t)at & ~3UL) = next(&state);
		if (below(&state, 4096) == 0) { /* the other threads do not touch it themselves */
			mprotect(changing, PAGE, PROT_NONE);
			sched_yield();
			mprotect(changing, PAGE, PROT_READ | PROT_WRITE);
		}
	}
	return NULL;
}

static long pointer(uint32_t *state)
{
	switch (below(state, 10)) {
	case 0:
		return 0;
	case 1:
		return (long)next(state);
	case 2:
		return (long)((uint64_t)next(state) << 32 | next(state));
	case 3:
		return (long)(edge + PAGE - below(state, 40));
	case 4:
		return (long)fixed;
	case 5:
		return -1 - (long)below(state, 64);
	default:
		return (long)(changing + below(state, 64) * 32);
	}
}

static long length(uint32_t *state)
{
	static const long all[] = {0,   1,   2,   4,    8,     15,        16,        28,
				   110, 128, 129, 1024, 70000, INT32_MAX, INT32_MIN, -1};

	return below(state, 3) ? 16 : all[below(state, sizeof(all) / sizeof(*all))];
}

static __thread long latest; /* socket of this thread */

static long descriptor(uint32_t *state)
{
	if (below(state, 2))
		return latest;
	return below(state, 30) ? (long)(FIRST + below(state, DESCRIPTORS))
				: (long)(int32_t)next(state);
}

/* An argument for setsockopt() and getsockopt(): mostly what there is. */
static long option(uint32_t *state, bool level)
{
	static const long levels[] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, 284};

	if (below(state, 16) == 0)
		return (long)(int32_t)next(state);
	return level ? levels[below(state, 5)] : (long)below(state, 90);
}

static long raw(uint32_t *state, long number, const long *a)
{
#ifdef SYS_socketcall
	/* The other way that such programs have: arguments in memory, which changes. */
	if (below(state, 2)) {
		uint32_t *words = (uint32_t *)(changing + PAGE + below(state, 32) * 64);

		for (int i = 0; below(state, 4) && i < 6; i++)
			words[i] = (uint32_t)a[i];
		return syscall(SYS_socketcall, 1 + below(state, 20),
			       below(state, 8) ? (long)words : pointer(state));
	}
#endif
	return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void opened(long fd)
{
	if (fd >= 0)
		latest = fd;
}

/* Good ones, until somebody changes them, so that more becomes of a socket. */
static void address(uint32_t *state, long *a)
{
	uint8_t *at = changing + PAGE + below(state, 64) * 32;

	if (below(state, 4) == 0)
		return;
	put_address(state, at);
	a[1] = (long)at;
	a[2] = 16;
}

static void call(uint32_t *state)
{
	static const int families[] = {AF_INET, AF_INET, AF_INET, AF_INET6, AF_UNIX};
	const long types = below(state, 4) ? SOCK_NONBLOCK : 0, which = below(state, 16);
	long a[6] = {descriptor(state), pointer(state), length(state),
		     length(state),     pointer(state), length(state)};

	switch (which) {
	case 0:
	case 1:
	case 2:
		a[0] = families[below(state, 5)];
		a[1] = SOCK_STREAM | types | (below(state, 9) ? 0 : (long)next(state));
		a[2] = below(state, 9) ? 0 : (long)next(state);
		opened(raw(state, SYS_socket, a));
		break;
	case 3:
	case 4:
	case 5:
		address(state, a);
		raw(state, SYS_connect, a);
		break;
	case 6:
		address(state, a);
		raw(state, SYS_bind, a);
		break;
	case 7:
		a[1] = below(state, 2) ? 4 : (long)(int32_t)next(state);
		raw(state, SYS_listen, a);
		break;
	case 8:
	case 9:
		a[2] = pointer(state);
		a[3] = types | (below(state, 9) ? 0 : (long)next(state));
		opened(raw(state, SYS_accept4, a));
		break;
	case 10:
		a[2] = pointer(state);
		raw(state, below(state, 2) ? SYS_getsockname : SYS_getpeername, a);
		break;
	case 11:
	case 12:
		a[1] = option(state, true);
		a[2] = option(state, false);
		a[3] = pointer(state);
		a[4] = below(state, 2) ? 4 : length(state);
		raw(state, SYS_setsockopt, a);
		break;
	case 13:
		a[1] = option(state, true);
		a[2] = option(state, false);
		a[3] = pointer(state);
		a[4] = pointer(state);
		raw(state, SYS_getsockopt, a);
		break;
	case 14:
		a[3] = below(state, 2) ? MSG_FASTOPEN | MSG_DONTWAIT : MSG_DONTWAIT;
		raw(state, SYS_sendto, a);
		break;
	default:
		recv((int)a[0], changing + below(state, PAGE), 1000, MSG_DONTWAIT);
		shutdown((int)a[0], (int)below(state, 3));
	}
}

static void *call_all(void *data)
{
	uint32_t state = (uint32_t)(uintptr_t)data;

	while (now() < until)
		call(&state);
	return NULL;
}

/* Closes and replaces what others use, by what is none of a socket, too. */
static void *replace(void *data)
{
	uint32_t state = (uint32_t)(uintptr_t)data;

	while (now() < until) {
		int a = (int)(FIRST + below(&state, DESCRIPTORS)),
		    b = (int)(FIRST + below(&state, DESCRIPTORS)), pair[2];

		switch (below(&state, 6)) {
		case 0:
			if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
				dup2(pair[0], a);
				dup2(pair[1], b);
			}
			break;
		case 1:
			if (pipe(pair) == 0)
				dup2(pair[0], a);
			break;
		case 2:
			fcntl(a, F_SETFL, below(&state, 2) ? O_NONBLOCK : 0);
			break;
		case 3:
			dup2(a, b);
			break;
		default:
			close(a);
		}
		usleep(below(&state, 2000));
	}
	return NULL;
}

static void interrupted(int number)
{
}

static void be_interrupted(uint32_t *state)
{
	const struct itimerval often = {{0, 2000 + below(state, 3000)}, {0, 3000}};
	const struct sigaction action = {.sa_handler = interrupted,
					 .sa_flags = below(state, 2) ? SA_RESTART : 0};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

/* One process, until its time is over or something befalls it. */
static void misbehave(uint32_t state, char **argv)
{
	const struct rlimit few = {FIRST + DESCRIPTORS, 256}, more = {256, 256};
	double end = now() + 0.05 + below(&state, 700) / 1000.0;
	const uint32_t fate = below(&state, 8);
	pthread_t threads[CALLERS + 2];
	sigset_t alarms;

	sigemptyset(&alarms);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &few);
	if (until > end)
		until = end;
	if (fate == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		unshare(CLONE_NEWNET);
	if (fate == 1)
		prctl(PR_SET_DUMPABLE, 0);
	if (fate == 2) /* gone while calls of it are pending */
		until += 100;
	if (fate != 3)
		be_interrupted(&state);
	for (unsigned i = 0; i < CALLERS + 2; i++)
		if (pthread_create(&threads[i], NULL,
				   i == 0   ? change
				   : i == 1 ? replace
					    : call_all,
				   (void *)(uintptr_t)(next(&state) | 1)) != 0)
			fail("no thread", strerror(errno));
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL); /* they are for the others */
	if (fate == 2) {
		usleep(below(&state, 100000));
		kill(getpid(), SIGKILL);
	}
	if (fate ==
	    4) { /* another program, with what is open; its threads are in the middle of something */
		usleep(below(&state, 100000));
		setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
		setrlimit(RLIMIT_NOFILE, &more);
		setenv("HOSTILE", "", 1);
		execv("/proc/self/exe", argv);
	}
	/* Callers may wait for ever for what does not come. */
	while (now() < until)
		usleep(5000);
	setrlimit(RLIMIT_NOFILE, &more);
	if (fate != 0)
		look_around(supervisor);
	_exit(0);
}

static uint8_t *pages(int count, int protection)
{
	uint8_t *all =
		mmap(NULL, (size_t)count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		exit(2);
	return all;
}

int main(int argc, char **argv)
{
	uint32_t state = argc == 4 ? (uint32_t)strtoul(argv[1], NULL, 10) | 1 : 0;
	int running = 0, status, code = 0;

	if (argc != 4) {
		fputs("usage: hostile SEED SECONDS SUPERVISOR\n", stderr);
		return 2;
	}
	supervisor = (pid_t)strtol(argv[3], NULL, 10);
	if (getenv("HOSTILE")) {
		look_around(supervisor);
		return 0;
	}
	changing = pages(2, PROT_READ | PROT_WRITE);
	edge = pages(2, PROT_READ | PROT_WRITE);
	munmap(edge + PAGE, PAGE);
	fixed = pages(1, PROT_READ);
	check_bounds();
	until = now() + strtod(argv[2], NULL);
	while (running > 0 || now() < until) {
		if (running < PROCESSES && now() < until) {
			uint32_t seed = next(&state);

			if (fork() == 0)
				misbehave(seed, argv);
			running++;
			continue;
		}
		if (wait(&status) > 0) {
			running--;
			if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
				code = WEXITSTATUS(status);
		}
	}
	return code;
}
