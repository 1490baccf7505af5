/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/filter.h"

#include "base/cleanup.h"
#include "base/populate.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the library takes for our rules on one call interface. */
#define ROOM ((size_t)224 << 10)

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* One call for all of sockets, of 32-bit x86: the filter sees which of them it is, but not its
 * arguments, which lie in memory. */
static int add_socketcall(scmp_filter_ctx filter, const struct filter_rules *rules)
{
	int err = 0;

	for (unsigned i = 0; i < rules->socketcall_count && err == 0; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(socketcall), 1,
				       SCMP_A0_64(SCMP_CMP_MASKED_EQ, FILTER_INT,
						  (scmp_datum_t)rules->socketcalls[i]));
	return err;
}

/* The rules for programs of a foreign call interface. They are a filter of their own until they are
 * complete: the library would put a call that only one interface has into all of them. */
static int add_foreign(scmp_filter_ctx filter, uint32_t arch, const struct filter_rules *rules)
{
	_cleanup_(release) scmp_filter_ctx foreign = seccomp_init(SCMP_ACT_ALLOW);
	int err = foreign ? seccomp_arch_add(foreign, arch) : -ENOMEM;

	if (err == 0)
		err = seccomp_arch_remove(foreign, SCMP_ARCH_NATIVE);
	if (err == 0)
		err = rules->add(foreign, arch == SCMP_ARCH_X32 ? FILTER_LEAST : FILTER_COARSE,
				 rules->data);
	if (err == 0 && arch == SCMP_ARCH_X86)
		err = add_socketcall(foreign, rules);
	if (err == 0)
		err = seccomp_merge(filter, foreign);
	if (err == 0)
		foreign = NULL; /* merging took it */
	return err;
}

/* A kernel without the call interface of 32-bit programs has nothing to say about it: then what a filter costs is not paid for
 * three. Where /proc is not what it should be, nothing follows. */
static bool runs_foreign(void)
{
	return access("/proc/sys/abi", F_OK) == 0 || access("/proc/sys/kernel", F_OK) < 0;
}

static int build(scmp_filter_ctx filter, const struct filter_rules *rules)
{
	int err = rules->add(filter, FILTER_PRECISE, rules->data);

	if (err == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64 && runs_foreign()) {
		err = add_foreign(filter, SCMP_ARCH_X86, rules);
		if (err == 0)
			err = add_foreign(filter, SCMP_ARCH_X32, rules);
	} else if (err == 0 && seccomp_arch_native() == SCMP_ARCH_AARCH64) {
		err = add_foreign(filter, SCMP_ARCH_ARM, rules);
	}
	/* A foreign call interface that is not listed runs as without us, instead of being killed.
	 */
	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	/* Speculation mitigations for the whole program would slow it down for nothing. */
	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	return err;
}

/* The library takes much, piece by piece, in a process that is soon another program: what is had at once, and given back to the
 * allocator, is not a fault for each page. Inside User Mode Linux those were 3 ms. */
static void have_room(void)
{
	void *room;

	mallopt(M_MMAP_THRESHOLD, 2 * ROOM);
	mallopt(M_TRIM_THRESHOLD, 2 * ROOM);
	room = malloc(ROOM);
	if (room)
		populate(room, ROOM);
	free(room);
}

/* The library makes -EFAULT of what it does not expect, such as EBUSY; errno still has the kernel's
 * word. */
static int load(scmp_filter_ctx filter)
{
	return seccomp_load(filter) < 0 ? -errno : 0;
}

int filter_load(const struct filter_rules *rules, struct err *err)
{
	_cleanup_(release) scmp_filter_ctx filter = NULL;
	int code;

	have_room();
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return err_set(err, -ENOMEM, "no memory for the system call filter");
	code = build(filter, rules);
	if (code < 0)
		return err_set(err, code, "cannot build the system call filter: %s",
			       strerror(-code));
	code = load(filter);
	if (code == -EACCES) {
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
		code = load(filter);
	}
	if (code == -EBUSY)
		return err_set(
			err, code,
			"already inside a `rivulet run`, or another program supervises system "
			"calls here; the kernel allows only one: leave out the inner one");
	if (code < 0)
		return err_set(err, code,
			       "this kernel does not let us supervise system calls (seccomp user "
			       "notification, Linux 5.9 or newer): %s",
			       strerror(-code));
	code = seccomp_notify_fd(filter);
	return code < 0 ? err_set(err, code, "the system call filter has no listener") : code;
}
