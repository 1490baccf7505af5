/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_PTRACE_H
#define _ASM_LKL_PTRACE_H

#include <linux/errno.h>
#include <uapi/asm/ptrace.h>

#define user_mode(regs)           0
#define kernel_mode(regs)         1
#define instruction_pointer(regs) ((regs)->ip)
#define user_stack_pointer(regs)  ((regs)->sp)
#define profile_pc(regs)          instruction_pointer(regs)

#endif
