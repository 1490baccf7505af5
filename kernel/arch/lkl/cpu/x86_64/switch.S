/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers that a function has to leave as they are, for they are all that tasks differ in beside their stacks. */
#include <linux/linkage.h>

/* void lkl_switch(void **save, void *sp): leaves one stack, its pointer in @save, and goes on where @sp was left. */
SYM_FUNC_START(lkl_switch)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
SYM_FUNC_END(lkl_switch)

/* Where a new stack begins, with a function in r12 and its argument in rbx (lkl_prepare). */
SYM_FUNC_START(lkl_begin)
	movq	%r12, %rdi
	movq	%rbx, %rsi
	subq	$8, %rsp
	call	lkl_first
	ud2
SYM_FUNC_END(lkl_begin)

	.section .note.GNU-stack, "", @progbits
