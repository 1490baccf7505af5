/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _UAPI_ASM_LKL_PTRACE_H
#define _UAPI_ASM_LKL_PTRACE_H
/* Nothing ever runs that could be traced: there are no registers of it. */
struct pt_regs {
	unsigned long ip, sp;
};
#endif
