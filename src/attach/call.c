/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/call.h"

#include "attach/caller.h"
#include "base/cleanup.h"

#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

static const struct {
	const char *names[CALL_NAMES_MAX];
	int numbers[CALL_NAMES_MAX];
	unsigned count; /* of arguments, in the longer form */
} calls[CALL_KINDS] = {
	[CALL_SOCKET] = {{"socket"}, {SYS_SOCKET}, 3},
	[CALL_CONNECT] = {{"connect"}, {SYS_CONNECT}, 3},
	[CALL_BIND] = {{"bind"}, {SYS_BIND}, 3},
	[CALL_LISTEN] = {{"listen"}, {SYS_LISTEN}, 2},
	[CALL_ACCEPT] = {{"accept4", "accept"}, {SYS_ACCEPT4, SYS_ACCEPT}, 4},
	[CALL_NAME] = {{"getsockname"}, {SYS_GETSOCKNAME}, 3},
	[CALL_PEER] = {{"getpeername"}, {SYS_GETPEERNAME}, 3},
	[CALL_SET] = {{"setsockopt"}, {SYS_SETSOCKOPT}, 5},
	[CALL_GET] = {{"getsockopt"}, {SYS_GETSOCKOPT}, 5},
	[CALL_SHUTDOWN] = {{"shutdown"}, {SYS_SHUTDOWN}, 2},
	[CALL_SEND] = {{"sendto"}, {SYS_SENDTO}, 6},
	[CALL_IOCTL] = {{"ioctl"}, {0}, 3},
};

const char *call_name(enum call_kind kind, unsigned which)
{
	return calls[kind].names[which];
}

int call_number(enum call_kind kind, unsigned which)
{
	return calls[kind].numbers[which];
}

/* Numbers of the calls in each interface. They do not change while we live. */
#define INTERFACES 3
struct interface {
	uint32_t arch;
	int numbers[CALL_KINDS][CALL_NAMES_MAX];
	int all; /* socketcall(2); negative: there is none */
};

static void learn(struct interface *interface, uint32_t arch)
{
	interface->arch = arch;
	interface->all = seccomp_syscall_resolve_name_arch(arch, "socketcall");
	for (unsigned kind = 0; kind < CALL_KINDS; kind++)
		for (unsigned which = 0; which < CALL_NAMES_MAX; which++)
			interface->numbers[kind][which] =
				calls[kind].names[which] ? seccomp_syscall_resolve_name_arch(
								   arch, calls[kind].names[which])
							 : __NR_SCMP_ERROR;
}

static const struct interface *interface_of(uint32_t arch)
{
	static struct interface interfaces[INTERFACES];

	for (unsigned i = 0; i < INTERFACES; i++) {
		if (!interfaces[i].arch)
			learn(&interfaces[i], arch);
		if (interfaces[i].arch == arch)
			return &interfaces[i];
	}
	return NULL; /* there are not that many */
}

/* The call that has @number; its kind, or CALL_KINDS. */
static enum call_kind find(const struct interface *interface, int number, unsigned *ret_which)
{
	for (unsigned kind = 0; kind < CALL_KINDS; kind++)
		for (*ret_which = 0; *ret_which < CALL_NAMES_MAX; (*ret_which)++)
			if (interface->numbers[kind][*ret_which] == number)
				return kind;
	return CALL_KINDS;
}

static enum call_kind find_among_all(uint64_t number, unsigned *ret_which)
{
	for (unsigned kind = 0; kind < CALL_KINDS; kind++)
		for (*ret_which = 0; *ret_which < CALL_NAMES_MAX; (*ret_which)++)
			if (calls[kind].numbers[*ret_which] &&
			    (uint64_t)calls[kind].numbers[*ret_which] == number)
				return kind;
	return CALL_KINDS;
}

static bool read_args(const struct seccomp_notif *request, struct call *call)
{
	uint32_t words[6];
	ssize_t size = (ssize_t)(calls[call->kind].count * sizeof(words[0]));

	if (caller_read(call->pid, (uint32_t)request->data.args[1], words, (size_t)size) != size)
		return false;
	for (unsigned i = 0; i < calls[call->kind].count; i++)
		call->args[i] = words[i];
	return true;
}

bool call_decode(const struct seccomp_notif *request, struct call *ret)
{
	const struct interface *interface = interface_of(request->data.arch);
	bool all = interface && request->data.nr == interface->all;
	unsigned which = 0;

	*ret = (struct call){.id = request->id,
			     .pid = (pid_t)request->pid,
			     .kind = CALL_KINDS,
			     .is_32bit = !(request->data.arch & __AUDIT_ARCH_64BIT)};
	if (all)
		ret->kind = find_among_all(request->data.args[0] & UINT32_MAX, &which);
	else if (interface)
		ret->kind = find(interface, request->data.nr, &which);
	if (ret->kind == CALL_KINDS)
		return false;
	memcpy(ret->args, request->data.args, sizeof(ret->args));
	if (all && !read_args(request, ret))
		return false;
	if (ret->kind == CALL_ACCEPT && which == 1)
		ret->args[3] = 0; /* accept() knows no flags */
	return true;
}
