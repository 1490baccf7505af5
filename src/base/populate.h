/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is going to be written to is had at once: each page that is touched for the first time is a fault, and inside User Mode
 * Linux one of a twentieth of a millisecond. Where the kernel does not know this (before 5.14), pages come one by one. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

#define POPULATE_PAGE ((uintptr_t)4096)

static inline void populate(void *memory, size_t size)
{
	uintptr_t from = (uintptr_t)memory & ~(POPULATE_PAGE - 1);

	madvise((void *)from, size + ((uintptr_t)memory - from), MADV_POPULATE_WRITE);
}
