/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is to say of the processor beside how stacks are switched (switch.S). */
#ifndef _ASM_LKL_CPU_H
#define _ASM_LKL_CPU_H

#define cpu_relax() __asm__ __volatile__("pause" ::: "memory")

#define LKL_ELF_MACHINE EM_X86_64

#ifndef __ASSEMBLY__
/* What a stack whose top is @top has to hold so that lkl_switch() to it goes to lkl_begin() with @function and @data. Returns
 * what lkl_switch() takes. */
static inline void *lkl_prepare(void *top, void *begin, void *function, void *data)
{
	/* On entry of a function the stack pointer is 8 past a multiple of 16. */
	void **sp = (void **)((unsigned long)top & ~15UL) - 2;

	*sp = begin;      /* to where lkl_switch() returns */
	*--sp = 0;        /* rbp */
	*--sp = data;     /* rbx */
	*--sp = function; /* r12 */
	*--sp = 0;
	*--sp = 0;
	*--sp = 0;
	return sp;
}
#endif

#endif
