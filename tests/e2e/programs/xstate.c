/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To be loaded before Debian's User Mode Linux (LD_PRELOAD): without it that kernel starts no program on a processor with more
 * registers than it knows. What is to be done is our own kernel's (kernel/arch/um/rivulet/tracing_user.c); linked so that its
 * ptrace() stands in the place of the C library's.
 */
#include "../../../kernel/arch/um/rivulet/tracing_user.h"

#include <dlfcn.h>

long __real_ptrace(int request, int pid, void *addr, void *data)
{
	static long (*next)(int, ...);

	if (!next)
		next = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
	return next(request, pid, addr, data);
}

/* What our own kernel does beside. */
void fault_at(const void *registers)
{
}

void fault_by(const void *signal)
{
}

int fault_answer(int pid)
{
	return 0;
}

void reading_forget(void)
{
}
