/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/calibrate.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ROUNDS 7
#define ROUND  (10 * NS_PER_MS)
#define BLOCK  (32u * 1024 * 1024) /* at most */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median time in ns that @once takes; 0 if it fails. */
static double measure(int (*once)(void *data), void *data)
{
	double times[ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t start = clock_now(), now = start;
		unsigned count = 0;

		/* The clock is read once for many, where many are needed. */
		for (unsigned batch = 1; now - start < ROUND; batch *= 2) {
			for (unsigned i = 0; i < batch; i++)
				if (once(data) < 0)
					return 0;
			count += batch;
			now = clock_now();
		}
		times[round] = (double)(now - start) / count;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	return times[ROUNDS / 2];
}

struct blocks {
	char *from, *to;
	size_t size;
};

static int copy(void *data)
{
	struct blocks *blocks = data;

	memcpy(blocks->to, blocks->from, blocks->size);
	/* It counts although nobody reads it. */
	__asm__ volatile("" ::"r"(blocks->to) : "memory");
	return 0;
}

static double measure_memory(uint64_t available)
{
	size_t size = available / 32 < BLOCK ? available / 32 : BLOCK;
	char *both = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct blocks blocks = {both, both + size, size};
	double time;

	if (both == MAP_FAILED)
		return 0;
	memset(both, 1, 2 * size);
	time = measure(copy, &blocks);
	munmap(both, 2 * size);
	return time > 0 ? (double)size * 1e9 / time : 0;
}

static int call(void *data)
{
	return syscall(SYS_getppid) < 0 ? -1 : 0;
}

static int exchange(void *data)
{
	const int *fds = data;
	char byte = 0;

	return write(fds[1], &byte, 1) == 1 && read(fds[0], &byte, 1) == 1 ? 0 : -1;
}

/* Both on the CPU that the caller is on: what is measured is the switch, not the wake-up of another CPU. */
static void stay_here(void)
{
	cpu_set_t here;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return;
	CPU_ZERO(&here);
	CPU_SET((size_t)cpu, &here);
	sched_setaffinity(0, sizeof(here), &here);
}

/* In a process of its own: the caller's CPUs stay as they are. Writes the time into @result. */
static void hand_over(int result)
{
	int there[2], back[2];
	double time;
	pid_t other;

	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		_exit(1);
	stay_here();
	other = fork();
	if (other == 0) {
		int fds[2] = {there[0], back[1]};
		char byte;

		close(there[1]);
		while (read(fds[0], &byte, 1) == 1 && write(fds[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	if (other < 0)
		_exit(1);
	close(back[1]);
	time = measure(exchange, (int[2]){back[0], there[1]}) / 2;
	_exit(write(result, &time, sizeof(time)) == sizeof(time) ? 0 : 1);
}

static double measure_handoff(void)
{
	_cleanup_close_ int answer = -1;
	double time = 0;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 0;
	answer = fds[0];
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hand_over(fds[1]);
	}
	close(fds[1]);
	if (pid < 0 || read(answer, &time, sizeof(time)) != sizeof(time))
		time = 0;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return time;
}

static int packet(void *data)
{
	const int *fd = data;
	char bytes[64] = {0};

	return send(*fd, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
			       recv(*fd, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes)
		       ? 0
		       : -1;
}

/* One socket that is its own peer. */
static double measure_packet(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&here, &length) < 0 ||
	    connect(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		return 0;
	return measure(packet, &fd);
}

void calibrate(uint64_t memory, struct calibration *ret)
{
	ret->memory = measure_memory(memory);
	ret->call = measure(call, NULL);
	ret->handoff = measure_handoff();
	ret->packet = measure_packet();
}
