/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound cleanup: declare with _cleanup_*, hand out with steal_fd() or steal_ptr(). */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Closes @fd if it is one, keeping errno; returns -1 so that "fd = close_fd(fd)" forgets it. */
static inline int close_fd(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

static inline void cleanup_close(int *fd)
{
	close_fd(*fd);
}

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define _cleanup_free_   _cleanup_(cleanup_free)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
#define _cleanup_close_  _cleanup_(cleanup_close)

#define steal_ptr(p)                                \
	({                                          \
		__typeof__(p) *steal_at_ = &(p);    \
		__typeof__(p) stolen_ = *steal_at_; \
		*steal_at_ = NULL;                  \
		stolen_;                            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
