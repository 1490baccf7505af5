// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point registers.
 *
 * The kernel reads them whenever a program of its own stops and writes them before it goes on, though most system calls leave them as
 * they are. To write them is the dearest of the calls that a system call inside takes, so what has just been read is not
 * written again.
 *
 * And a processor may have more of them than this kernel knows. It keeps their state in HOST_FP_SIZE longs: 2696 bytes, what
 * AVX-512 needs. A host whose processor has tiles as well (AMX) has 11008. It hands out the first bytes when asked for less, but
 * takes back only all (EFAULT: no program inside could be started at all). So what is too short is written with zeros behind it.
 * They are never looked at, for the header says which components follow (Intel SDM, volume 1, 13.4.2), and those beyond
 * are in no program's state: using tiles needs the host's permission (ARCH_REQ_XCOMP_PERM), which is not asked for.
 */
#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "tracing_user.h"

/* More than any processor has; the host's state is not aligned when it is copied. */
#define STATE_MAX 32768

static char state[STATE_MAX];
static size_t state_size; /* of the host; 0: not known yet */

/* What was read last. */
static struct {
	int pid; /* 0: nothing that is still so */
	size_t size;
	long state[STATE_MAX / sizeof(long)];
} known;

/* The kernel's own memcmp() goes by bytes. */
static int is_known(const long *is, size_t size)
{
	size_t i;

	for (i = 0; i < size / sizeof(long); i++)
		if (is[i] != known.state[i])
			return 0;
	return 1;
}

void xstate_forget(void)
{
	known.pid = 0;
}

long xstate_read(int pid, struct iovec *to)
{
	if (known.pid == pid && known.size <= to->iov_len) {
		memcpy(to->iov_base, known.state, known.size);
		to->iov_len = known.size;
		return 0;
	}
	known.pid = 0;
	if (__real_ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, to) < 0)
		return -1;
	if (to->iov_len <= sizeof(known.state)) {
		known.pid = pid;
		known.size = to->iov_len;
		memcpy(known.state, to->iov_base, known.size);
	}
	return 0;
}

static long write_whole(int pid, const struct iovec *beginning)
{
	struct iovec whole = {state, sizeof(state)};

	if (!state_size) {
		if (__real_ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &whole) < 0)
			return -1;
		memset(state, 0, sizeof(state));
		state_size = whole.iov_len;
	}
	memcpy(state, beginning->iov_base, beginning->iov_len);
	whole.iov_len = state_size;
	return __real_ptrace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &whole);
}

long xstate_write(int pid, struct iovec *from)
{
	if (known.pid == pid && known.size <= from->iov_len && is_known(from->iov_base, known.size))
		return 0;
	known.pid = 0;
	return write_whole(pid, from);
}
