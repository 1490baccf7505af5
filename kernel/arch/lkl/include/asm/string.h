/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_STRING_H
#define _ASM_LKL_STRING_H

/* The C library's, which are made for the processor that they run on. */
#define __HAVE_ARCH_MEMCPY
#define __HAVE_ARCH_MEMMOVE
#define __HAVE_ARCH_MEMSET
#define __HAVE_ARCH_MEMCMP
#define __HAVE_ARCH_STRLEN
void *memcpy(void *to, const void *from, __kernel_size_t size);
void *memmove(void *to, const void *from, __kernel_size_t size);
void *memset(void *to, int value, __kernel_size_t size);
int memcmp(const void *a, const void *b, __kernel_size_t size);
__kernel_size_t strlen(const char *text);

#endif
