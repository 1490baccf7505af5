/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_SYSCALL_H
#define _ASM_LKL_SYSCALL_H

#include <linux/sched.h>
#include <uapi/linux/audit.h>

/* Calls are calls (kernel/calls.c): there is nothing to look into. */
extern void *const sys_call_table[];

static inline long syscall_get_nr(struct task_struct *task, struct pt_regs *regs)
{
	return -1;
}

static inline void syscall_get_arguments(struct task_struct *task, struct pt_regs *regs,
					 unsigned long *args)
{
	memset(args, 0, 6 * sizeof(*args));
}

static inline long syscall_get_error(struct task_struct *task, struct pt_regs *regs)
{
	return 0;
}

static inline long syscall_get_return_value(struct task_struct *task, struct pt_regs *regs)
{
	return 0;
}

static inline int syscall_get_arch(struct task_struct *task)
{
	return LKL_ELF_MACHINE | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE;
}

#endif
