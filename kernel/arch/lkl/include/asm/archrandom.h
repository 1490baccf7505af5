/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ARCHRANDOM_H
#define _ASM_LKL_ARCHRANDOM_H

#include <linux/types.h>

/* The host's random bytes: the kernel's generator is ready at once. */
size_t arch_get_random_longs(unsigned long *to, size_t count);

static inline size_t arch_get_random_seed_longs(unsigned long *to, size_t count)
{
	return arch_get_random_longs(to, count);
}

#endif
