/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_UACCESS_H
#define _ASM_LKL_UACCESS_H

#include <asm-generic/uaccess.h>

/* The program's memory is ours (kernel/user.c). */
long strncpy_from_user(char *to, const char __user *from, long size);
long strnlen_user(const char __user *text, long size);

#endif
