/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/filter.h"

#include "attach/model.h"
#include "attach/options.h"
#include "base/cleanup.h"

#include <linux/net.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define SOCKET_TYPE_MASK 0xf /* the rest of the argument are SOCK_CLOEXEC and SOCK_NONBLOCK */
#define INT_MASK         0xffffffffu /* the upper half of a register is not part of an int argument */

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* TCP sockets are substituted. UDP sockets are only asked about: a name may be about to be looked up. */
static const struct {
	int type, protocol;
} asked[] = {
	{SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_STREAM, IPPROTO_MPTCP},
	{SOCK_DGRAM, 0},  {SOCK_DGRAM, IPPROTO_UDP},
};

static int add_socket(scmp_filter_ctx filter)
{
	const int domains[] = {AF_INET, AF_INET6};

	for (unsigned d = 0; d < ARRAY_SIZE(domains); d++) {
		for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
			int err = seccomp_rule_add(
				filter, SCMP_ACT_NOTIFY, SCMP_SYS(socket), 3,
				SCMP_A0_64(SCMP_CMP_MASKED_EQ, INT_MASK, (scmp_datum_t)domains[d]),
				SCMP_A1_64(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK,
					   (scmp_datum_t)asked[i].type),
				SCMP_A2_64(SCMP_CMP_MASKED_EQ, INT_MASK,
					   (scmp_datum_t)asked[i].protocol));

			if (err < 0)
				return err;
		}
	}
	return 0;
}

static int add_options(scmp_filter_ctx filter, int call, int level,
		       const bool trapped[static OPTION_NAMES])
{
	struct option_block blocks[OPTION_NAMES];
	unsigned count = options_blocks(trapped, blocks);

	for (unsigned i = 0; i < count; i++) {
		int err = seccomp_rule_add(
			filter, SCMP_ACT_NOTIFY, call, 2,
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, INT_MASK, (scmp_datum_t)level),
			SCMP_A2_64(SCMP_CMP_MASKED_EQ, blocks[i].mask, blocks[i].value));

		if (err < 0)
			return err;
	}
	return 0;
}

/* One call for all of sockets, of 32-bit x86: the filter sees which of them it is, but not its
 * arguments, which lie in memory. */
static int add_socketcall(scmp_filter_ctx filter)
{
	const int calls[] = {SYS_SOCKET, SYS_SETSOCKOPT, SYS_GETSOCKOPT};

	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		int err = seccomp_rule_add(
			filter, SCMP_ACT_NOTIFY, SCMP_SYS(socketcall), 1,
			SCMP_A0_64(SCMP_CMP_MASKED_EQ, INT_MASK, (scmp_datum_t)calls[i]));

		if (err < 0)
			return err;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx filter, const struct option_traps *traps)
{
	const int calls[OPTION_DIRECTIONS] = {
		[OPTION_SET] = SCMP_SYS(setsockopt), [OPTION_GET] = SCMP_SYS(getsockopt)};
	int err = add_socket(filter);

	for (unsigned d = 0; d < OPTION_DIRECTIONS; d++)
		for (unsigned l = 0; l < OPTION_LEVELS && err == 0; l++)
			err = add_options(filter, calls[d], option_levels[l], traps->trapped[l][d]);
	return err;
}

/* The rules for programs of a foreign call interface. They are a filter of their own until they are
 * complete: the library would put a call that only one interface has into all of them. Without
 * @traps options are the kernel's: a filter is paid for at each start of a program. */
static int add_foreign(scmp_filter_ctx filter, uint32_t arch, const struct option_traps *traps)
{
	_cleanup_(release) scmp_filter_ctx foreign = seccomp_init(SCMP_ACT_ALLOW);
	int err = foreign ? seccomp_arch_add(foreign, arch) : -ENOMEM;

	if (err == 0)
		err = seccomp_arch_remove(foreign, SCMP_ARCH_NATIVE);
	if (err == 0)
		err = traps ? add_rules(foreign, traps) : add_socket(foreign);
	if (err == 0 && arch == SCMP_ARCH_X86)
		err = add_socketcall(foreign);
	if (err == 0)
		err = seccomp_merge(filter, foreign);
	if (err == 0)
		foreign = NULL; /* merging took it */
	return err;
}

static int build(scmp_filter_ctx filter)
{
	struct option_traps traps = options_traps();
	int err;

	model_probe(&traps);
	err = add_rules(filter, &traps);
	if (err == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64) {
		err = add_foreign(filter, SCMP_ARCH_X86, &traps);
		if (err == 0)
			err = add_foreign(filter, SCMP_ARCH_X32, NULL);
	} else if (err == 0 && seccomp_arch_native() == SCMP_ARCH_AARCH64) {
		err = add_foreign(filter, SCMP_ARCH_ARM, &traps);
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

/* The library makes -EFAULT of what it does not expect, such as EBUSY; errno still has the kernel's
 * word. */
static int load(scmp_filter_ctx filter)
{
	return seccomp_load(filter) < 0 ? -errno : 0;
}

int filter_load(struct err *err)
{
	_cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int code;

	if (!filter)
		return err_set(err, -ENOMEM, "no memory for the system call filter");
	code = build(filter);
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
