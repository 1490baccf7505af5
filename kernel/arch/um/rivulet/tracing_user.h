/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of some calls of ptrace() (tracing_user.c). */
#pragma once

struct iovec;

long __real_ptrace(int request, int pid, void *addr, void *data);

/* xstate_user.c: the floating-point state of the stopped process @pid, as PTRACE_GETREGSET and PTRACE_SETREGSET have it. */
long xstate_read(int pid, struct iovec *to);
long xstate_write(int pid, struct iovec *from);
/* What was read may have changed. */
void xstate_forget(void);

/* processor_user.c: @pid runs next. */
void processor_follow(int pid);
