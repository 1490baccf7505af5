/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filter under which a program runs whose TCP sockets are to be substituted. */
#pragma once

#include "base/err.h"

/* Puts the calling process, and all that it will start, under a filter that asks a supervisor about
 * socket(AF_INET or AF_INET6, SOCK_STREAM, 0, IPPROTO_TCP or IPPROTO_MPTCP), and about the socket
 * options that MPTCP treats otherwise than TCP (options.h), in the native and the 32-bit call
 * interface. Returns the listener (owned by the caller), on which attachment_substitute answers; every
 * asking call waits until then. Without CAP_SYS_ADMIN this sets no_new_privs: set-user-ID programs
 * then start without their privilege. -EBUSY: the process is under such a filter already; -ENOSYS,
 * -EINVAL: the kernel has no user notification. */
int filter_load(struct err *err);
