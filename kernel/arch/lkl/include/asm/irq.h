/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_IRQ_H
#define _ASM_LKL_IRQ_H

/* None by number: what can interrupt is in kernel/interrupt.c. */
#define NR_IRQS 1

#endif
