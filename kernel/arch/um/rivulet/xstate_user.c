// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a processor that has more of them than this kernel knows.
 *
 * The kernel keeps the floating-point state of its programs in HOST_FP_SIZE longs: 2696 bytes, what AVX-512 needs. A host
 * whose processor has tiles as well (AMX) has 11008. It hands out the first bytes when asked for less, but takes back
 * only all (EFAULT: no program inside could be started at all). So ptrace() is wrapped (arch/um/Makefile): what is too short is
 * written with zeros behind it. They are never looked at, for the header says which components follow (Intel SDM,
 * volume 1, 13.4.2), and those beyond are in no program's state: using tiles needs the host's permission
 * (ARCH_REQ_XCOMP_PERM), which is not asked for.
 */
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

long __real_ptrace(int request, int pid, void *addr, void *data);
long __wrap_ptrace(int request, ...);

/* More than any processor has; the host's state is not aligned when it is copied. */
static char state[32768];
static size_t state_size; /* of the host; 0: not known yet */

static long write_state(int pid, void *kind, struct iovec *short_state)
{
	struct iovec whole = {state, sizeof(state)};

	if (!state_size) {
		if (__real_ptrace(PTRACE_GETREGSET, pid, kind, &whole) < 0)
			return -1;
		memset(state, 0, sizeof(state));
		state_size = whole.iov_len;
	}
	if (short_state->iov_len >= state_size)
		return __real_ptrace(PTRACE_SETREGSET, pid, kind, short_state);
	memcpy(state, short_state->iov_base, short_state->iov_len);
	whole.iov_len = state_size;
	return __real_ptrace(PTRACE_SETREGSET, pid, kind, &whole);
}

long __wrap_ptrace(int request, ...)
{
	va_list more;
	void *addr, *data;
	int pid;

	va_start(more, request);
	pid = va_arg(more, int);
	addr = va_arg(more, void *);
	data = va_arg(more, void *);
	va_end(more);
	if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE)
		return write_state(pid, addr, data);
	return __real_ptrace(request, pid, addr, data);
}
