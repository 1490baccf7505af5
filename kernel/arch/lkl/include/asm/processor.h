/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PROCESSOR_H
#define _ASM_LKL_PROCESSOR_H

#include <asm/cpu.h>
#include <asm/ptrace.h>

/* What a task that does not run is resumed by: all else lies on its stack (cpu/). */
struct thread_struct {
	void *sp;
};
#define INIT_THREAD \
	{           \
	}

#define TASK_SIZE          (~0UL)
#define TASK_UNMAPPED_BASE 0
#define STACK_TOP          TASK_SIZE
#define STACK_TOP_MAX      STACK_TOP

#define task_pt_regs(task) ((struct pt_regs *)(task_stack_page(task) + THREAD_SIZE) - 1)
#define KSTK_EIP(task)     0UL
#define KSTK_ESP(task)     0UL

struct task_struct;
static inline unsigned long __get_wchan(struct task_struct *task)
{
	return 0;
}

/* No file is executed here: there is no binary format. */
static inline void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
}

#endif
