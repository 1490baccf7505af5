/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/pages.h"

#include "base/cleanup.h"

#include <fcntl.h>

#define ROOM (512 * 1024) /* of a pipe; the kernel's default is too little to be worth it */

/* Empty pipes, for whoever needs one next: to make one costs more than to move what it holds. */
#define SPARE_MAX 16
static __thread int spare[SPARE_MAX][2];
static __thread unsigned spares;

static int get_pipe(int pipe[static 2])
{
	if (spares > 0) {
		spares--;
		pipe[0] = spare[spares][0];
		pipe[1] = spare[spares][1];
		return 0;
	}
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fcntl(pipe[1], F_SETPIPE_SZ, ROOM);
	return 0;
}

static void close_pipe(int pipe[static 2])
{
	pipe[0] = close_fd(pipe[0]);
	pipe[1] = close_fd(pipe[1]);
}

/* Only an empty one. */
static void put_pipe(int pipe[static 2])
{
	if (spares == SPARE_MAX) {
		close_pipe(pipe);
		return;
	}
	spare[spares][0] = steal_fd(&pipe[0]);
	spare[spares][1] = steal_fd(&pipe[1]);
	spares++;
}

ssize_t pages_take(struct pages *pages, int from)
{
	ssize_t got;
	int err = get_pipe(pages->pipe);

	if (err < 0)
		return err;
	got = splice(from, NULL, pages->pipe[1], NULL, ROOM, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (got <= 0) {
		err = got < 0 ? -errno : 0;
		put_pipe(pages->pipe);
		return err == -EINTR ? -EAGAIN : err;
	}
	pages->bytes = (size_t)got;
	return got;
}

ssize_t pages_give(struct pages *pages, int to)
{
	ssize_t done = splice(pages->pipe[0], NULL, to, NULL, pages->bytes,
			      SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	pages->bytes -= (size_t)done;
	if (pages->bytes == 0)
		put_pipe(pages->pipe);
	return done;
}

void pages_drop(struct pages *pages)
{
	if (pages->bytes > 0)
		close_pipe(pages->pipe);
	pages->bytes = 0;
}
