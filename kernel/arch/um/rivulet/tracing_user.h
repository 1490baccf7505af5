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

/* fault_user.c: a stopped program has these registers (struct user_regs_struct), this signal (siginfo_t). */
void fault_at(const void *registers);
void fault_by(const void *signal);
/* Is it known what the stopped process @pid would tell of its page fault? Then the kernel has it, and finds it stopped when it waits. */
int fault_answer(int pid);
/* fault_kern.c: the error code of a page fault of the running program at @address, by the instruction at @ip; is something @mapped
 * there on the host? -1: its process has to be asked. */
int fault_judge(unsigned long address, unsigned long ip, int mapped);

/* reading_user.c: a program is going to run. */
void reading_forget(void);

/* processor_user.c: @pid runs next. */
void processor_follow(int pid);
