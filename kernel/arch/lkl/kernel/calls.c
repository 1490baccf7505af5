// SPDX-License-Identifier: GPL-2.0-only
/* System calls are function calls on the program's stack. */
#include <asm/lkl.h>
#include <asm/unistd.h>
#include <linux/linkage.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/task_work.h>

/* The program has its own of these. */
#define sys_mmap         sys_ni_syscall
#define sys_rt_sigreturn sys_ni_syscall
#define sys_clone        sys_ni_syscall
#define sys_newfstat     sys_ni_syscall
#define sys_newfstatat   sys_ni_syscall

#define __SYSCALL_WITH_COMPAT(number, call, compat) __SYSCALL(number, call)
#define __SYSCALL(number, call)                     [number] = (void *)(call),
#pragma GCC diagnostic ignored "-Woverride-init"
void *const sys_call_table[__NR_syscalls] = {
	[0 ... __NR_syscalls - 1] = (void *)sys_ni_syscall,
#include <asm/syscall_table_64.h>
};

long lkl_call(long number, long a, long b, long c, long d, long e, long f)
{
	typedef long (*call)(long, long, long, long, long, long);
	long result;

	if ((unsigned long)number >= __NR_syscalls)
		return -ENOSYS;
	result = ((call)sys_call_table[number])(a, b, c, d, e, f);
	if (unlikely(task_work_pending(current)))
		task_work_run();
	return result;
}
