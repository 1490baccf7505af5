/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/blackhole.h"

#include "base/cleanup.h"
#include "base/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>

/* The file is that of the network namespace of who opens it. */
#define TIMEOUT_FILE "/proc/sys/net/mptcp/blackhole_timeout"

enum { KERNELS = 3600, OURS = 1 };

#define LOOKS_MAX 20 /* ms that somebody else's look at who holds on may take */

/* While this process needs it short: a shared lock on the network namespace, which goes with the process. -1: none. */
static int hold = -1;

static void let_go(void)
{
	hold = close_fd(hold);
}

/* True: nobody else holds on. In any case we do, then. */
static bool hold_on(void)
{
	let_go();
	hold = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (hold < 0 || flock(hold, LOCK_EX | LOCK_NB) == 0)
		return true;
	for (unsigned i = 0; flock(hold, LOCK_SH | LOCK_NB) < 0 && i < LOOKS_MAX; i++)
		poll(NULL, 0, 1);
	return false;
}

static int set(unsigned seconds)
{
	_cleanup_close_ int fd = open(TIMEOUT_FILE, O_WRONLY | O_CLOEXEC);

	return fd < 0 || dprintf(fd, "%u", seconds) < 0 ? -errno : 0;
}

bool blackhole_is_kernels(void)
{
	uint64_t is;

	return numbers_read(TIMEOUT_FILE, &is, 1) == 0 && is == KERNELS;
}

int blackhole_shorten(void)
{
	bool alone = hold_on();
	uint64_t is = 0;
	int err = numbers_read(TIMEOUT_FILE, &is, 1);

	if (err == 0 && is == KERNELS)
		err = set(OURS);
	else if (err == 0 && (is != OURS || alone))
		err = -ECANCELED;
	if (err < 0)
		let_go();
	else if (alone && hold >= 0)
		flock(hold, LOCK_SH);
	return err;
}

int blackhole_restore(void)
{
	bool last = hold_on();
	uint64_t is = 0;
	int err = numbers_read(TIMEOUT_FILE, &is, 1);

	if (err == 0 && is == OURS && last)
		err = set(KERNELS);
	let_go();
	return err;
}
