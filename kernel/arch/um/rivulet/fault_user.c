// SPDX-License-Identifier: GPL-2.0-only
/* Page faults whose process need not tell of them itself (fault_kern.c). */
#include <signal.h>
#include <sys/user.h>
#include <sysdep/faultinfo.h>

#include "tracing_user.h"

#define PAGE_FAULT 14

int __real_waitpid(int pid, int *status, int options);
int __wrap_waitpid(int pid, int *status, int options);

/* Where the data of the running program's process begin that the kernel sees. */
unsigned long current_stub_stack(void);

static unsigned long at; /* the instruction */
static siginfo_t by;
static int answered; /* the process that was not run for it; 0: none */

void fault_at(const void *registers)
{
	at = ((const struct user_regs_struct *)registers)->rip;
}

void fault_by(const void *signal)
{
	by = *(const siginfo_t *)signal;
}

int fault_answer(int pid)
{
	struct faultinfo fault = {.cr2 = (unsigned long)by.si_addr, .trap_no = PAGE_FAULT};

	if (by.si_signo != SIGSEGV || (by.si_code != SEGV_MAPERR && by.si_code != SEGV_ACCERR))
		return 0;
	fault.error_code = fault_judge(fault.cr2, at, by.si_code == SEGV_ACCERR);
	if (fault.error_code < 0)
		return 0;
	*(struct faultinfo *)current_stub_stack() = fault;
	answered = pid;
	return 1;
}

int __wrap_waitpid(int pid, int *status, int options)
{
	if (!answered || answered != pid)
		return __real_waitpid(pid, status, options);
	answered = 0;
	*status = SIGTRAP << 8 | 0x7f; /* as if its handler had ended */
	return pid;
}
