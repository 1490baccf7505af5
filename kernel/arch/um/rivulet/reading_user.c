// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of the host's are read page by page, a system call for each. So where a second page is asked for right behind the first one, what
 * follows is read with it, and kept until the kernel does something else: no program runs meanwhile that could see
 * what is older than its own call.
 */
#include <string.h>
#include <sys/types.h>

#include "tracing_user.h"

#define PAGE_BYTES 4096
#define AHEAD      65536

ssize_t __real_pread64(int fd, void *to, size_t size, long at);
ssize_t __wrap_pread64(int fd, void *to, size_t size, long at);
ssize_t __real_pwrite64(int fd, const void *from, size_t size, long at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t size, long at);
int __real_close(int fd);
int __wrap_close(int fd);

static int last = -1; /* the file that was read last */
static long next;     /* behind what was read of it */
static long from, to; /* what is kept of it */
static char kept[AHEAD];

void reading_forget(void)
{
	last = -1;
}

static long min_of(long a, long b)
{
	return a < b ? a : b;
}

/* What is kept ends before its room where the file does. */
static int has(long at)
{
	return at >= from && (at + PAGE_BYTES <= to || (at < to && to - from < AHEAD));
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, long at)
{
	int follows = fd == last && at == next && size == PAGE_BYTES;

	last = fd;
	next = at + size;
	if (!follows) {
		from = to = 0;
		return __real_pread64(fd, data, size, at);
	}
	if (!has(at)) {
		ssize_t got = __real_pread64(fd, kept, AHEAD, at);

		from = at;
		to = at + (got > 0 ? got : 0);
	}
	if (!has(at))
		return __real_pread64(fd, data, size, at);
	memcpy(data, kept + (at - from), min_of(PAGE_BYTES, to - at));
	return min_of(PAGE_BYTES, to - at);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, long at)
{
	reading_forget();
	return __real_pwrite64(fd, data, size, at);
}

int __wrap_close(int fd)
{
	reading_forget();
	return __real_close(fd);
}
