/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_CURRENT_H
#define _ASM_LKL_CURRENT_H

/* The running task: a global, for there is one processor. */
struct task_struct;
extern struct task_struct *lkl_current;
#define get_current() lkl_current
#define current       get_current()

#endif
