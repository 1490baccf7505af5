/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/pump.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#define CHUNK 65536

/* The caller's descriptors may be non-blocking: they are shared with whoever made them so. */
static bool waits(int fd, short events)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	return errno == EINTR ||
	       (errno == EAGAIN && (poll(&poll_fd, 1, -1) >= 0 || errno == EINTR));
}

static bool write_all(struct pump *pump, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(pump->to, data, size);

		if (done < 0 && waits(pump->to, POLLOUT))
			continue;
		if (done < 0 && errno != EPIPE)
			pump->error = -errno;
		if (done <= 0)
			return false;
		data += done;
		size -= (size_t)done;
	}
	return true;
}

static bool copy_some(struct pump *pump)
{
	char data[CHUNK];
	ssize_t size;

	do
		size = read(pump->from, data, sizeof(data));
	while (size < 0 && waits(pump->from, POLLIN));
	return size > 0 && write_all(pump, data, (size_t)size);
}

/* Into pipes nothing needs to be copied. Not into files: standard output and error are often one open file, and while splice()
 * waits for one of them it keeps the position that the file had before, and puts it back afterwards. */
static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static bool move_some(struct pump *pump, bool *splices)
{
	ssize_t size;

	if (!*splices)
		return copy_some(pump);
	size = splice(pump->from, NULL, pump->to, NULL, CHUNK, 0);
	if (size < 0 && (errno == EINVAL || errno == EAGAIN || errno == ENOSYS)) {
		*splices = false;
		return true;
	}
	return size > 0 || (size < 0 && errno == EINTR);
}

static void *work(void *data)
{
	struct pump *pump = data;
	bool splices = is_pipe(pump->to);

	while (move_some(pump, &splices))
		;
	pump->from = close_fd(pump->from);
	pump->to = close_fd(pump->to);
	return NULL;
}

int pump_start(struct pump *pump, int from, int to)
{
	int code;

	*pump = (struct pump){.from = from, .to = to};
	code = pthread_create(&pump->thread, NULL, work, pump);
	pump->started = code == 0;
	return -code;
}

bool pump_wait(struct pump *pump, int ms)
{
	struct timespec until;
	int code;

	if (!pump->started)
		return true;
	if (ms < 0) {
		code = pthread_join(pump->thread, NULL);
	} else {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += ms / 1000;
		until.tv_nsec += ms % 1000 * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		code = pthread_timedjoin_np(pump->thread, NULL, &until);
	}
	pump->started = code != 0;
	return code == 0;
}
