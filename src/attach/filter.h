/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filter under which a program runs whose calls are answered by a supervisor (seccomp_unotify(2)). */
#pragma once

#include "base/err.h"

#include <seccomp.h>
#include <stdbool.h>

/* How precise the rules for a call interface are: what the library makes of them takes it the square of their number, at each
 * start of a program. */
enum filter_detail {
	FILTER_PRECISE, /* for nearly all programs: asked about is only what is answered */
	FILTER_COARSE,  /* for 32-bit programs: few rules, which may ask about more */
	FILTER_LEAST,   /* for x32, which hardly anything uses: what no program may be without */
};

/* Which calls are asked about. */
struct filter_rules {
	/* Adds them to the filter of one call interface. 0 or a negative errno. */
	int (*add)(scmp_filter_ctx filter, enum filter_detail detail, void *data);
	void *data;
	/* Those of socketcall(2), by their numbers there. */
	const int *socketcalls;
	unsigned socketcall_count;
};

#define FILTER_INT 0xffffffffu /* the upper half of a register is not part of an int argument */

/* Puts the calling process, and all that it will start, under a filter that asks a supervisor about these calls, in the native
 * and the 32-bit call interface. Returns the listener (owned by the caller), on which they are answered (attach/notify.h);
 * every asking call waits until then. Without CAP_SYS_ADMIN this sets no_new_privs: set-user-ID programs then start without
 * their privilege. -EBUSY: the process is under such a filter already; -ENOSYS, -EINVAL: the kernel has no user notification. */
int filter_load(const struct filter_rules *rules, struct err *err);

/* That of attachment "substitute": socket(AF_INET or AF_INET6, SOCK_STREAM, 0, IPPROTO_TCP or IPPROTO_MPTCP), what leads to another
 * network namespace (known.h), and the options that MPTCP sockets treat otherwise than TCP (options.h); with @routed (steering.h) also connect(), getpeername() and SO_ERROR. */
int substitute_filter_load(bool routed, struct err *err);
/* That of attachment "relay": all calls that make, name, connect or configure a socket. */
int relay_filter_load(struct err *err);
