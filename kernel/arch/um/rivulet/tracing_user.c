// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's calls of ptrace(), by which it runs its programs, come here first (arch/um/Makefile). */
#include <elf.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ptrace.h>

#include "tracing_user.h"

long __wrap_ptrace(int request, ...);

long __wrap_ptrace(int request, ...)
{
	va_list more;
	void *addr, *data;
	int pid;
	long result;

	va_start(more, request);
	pid = va_arg(more, int);
	addr = va_arg(more, void *);
	data = va_arg(more, void *);
	va_end(more);
	switch (request) {
	case PTRACE_GETREGSET:
		if (addr == (void *)NT_X86_XSTATE)
			return xstate_read(pid, data);
		break;
	case PTRACE_SETREGSET:
		if (addr == (void *)NT_X86_XSTATE)
			return xstate_write(pid, data);
		break;
	case PTRACE_GETREGS:
		result = __real_ptrace(request, pid, addr, data);
		fault_at(data);
		return result;
	case PTRACE_GETSIGINFO:
		result = __real_ptrace(request, pid, addr, data);
		fault_by(data);
		return result;
	case PTRACE_SETREGS:
		break;
	case PTRACE_CONT:
		if ((long)data == SIGSEGV && fault_answer(pid))
			return 0;
		/* fall through */
	default: /* it runs, or is another one */
		xstate_forget();
		reading_forget();
		processor_follow(pid);
	}
	return __real_ptrace(request, pid, addr, data);
}
