/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_UACCESS_H
#define _ASM_LKL_UACCESS_H

#define raw_copy_to_user copy_to_program
#include <asm-generic/uaccess.h>
#undef raw_copy_to_user

/* From here on there are no addresses of a program: what would be copied there is noted (net/peek.c). */
#define LKL_NOWHERE (1UL << 63)
unsigned long lkl_note(const void *from, unsigned long size);

static __always_inline unsigned long raw_copy_to_user(void __user *to, const void *from,
						      unsigned long size)
{
	return (unsigned long)to < LKL_NOWHERE ? copy_to_program(to, from, size)
					       : lkl_note(from, size);
}

/* The program's memory is ours (kernel/user.c). */
long strncpy_from_user(char *to, const char __user *from, long size);
long strnlen_user(const char __user *text, long size);

#endif
