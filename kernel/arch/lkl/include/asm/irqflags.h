/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_IRQFLAGS_H
#define _ASM_LKL_IRQFLAGS_H

/* Interrupts are calls (kernel/interrupt.c): one that comes while they are off waits in lkl_pending until they are on. */
extern unsigned long lkl_enabled;
extern unsigned long lkl_pending;
void lkl_deliver(void);

static inline unsigned long arch_local_save_flags(void)
{
	return lkl_enabled;
}
#define arch_local_save_flags arch_local_save_flags

static inline void arch_local_irq_restore(unsigned long flags)
{
	__asm__ __volatile__("" ::: "memory");
	lkl_enabled = flags;
	if (flags && __builtin_expect(lkl_pending != 0, 0))
		lkl_deliver();
	__asm__ __volatile__("" ::: "memory");
}
#define arch_local_irq_restore arch_local_irq_restore

#include <asm-generic/irqflags.h>

#endif
