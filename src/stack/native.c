/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stack "native": the kernel that this device runs, if it knows MPTCP. */
#include "base/cleanup.h"
#include "stack/sockets.h"
#include "stack/stack.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int probe_native(struct err *why)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd >= 0)
		return 0;
	switch (errno) {
	case EINVAL:
		return err_set(
			why, -EPROTONOSUPPORT,
			"this kernel is older than MPTCP (Linux 5.6): programs keep plain TCP");
	case EPROTONOSUPPORT:
		return err_set(
			why, -EPROTONOSUPPORT,
			"this kernel was built without MPTCP (CONFIG_MPTCP): programs keep plain "
			"TCP");
	case ENOPROTOOPT:
		return err_set(why, -ENOPROTOOPT,
			       "MPTCP is switched off here: `sysctl net.mptcp.enabled=1` (as root) "
			       "switches it on; programs keep plain TCP");
	default:
		return err_set(why, -errno, "cannot make an MPTCP socket: %s", strerror(errno));
	}
}

static int open_native(const struct stack_options *options, struct stack **ret, struct err *err)
{
	return sockets_open(&stack_native, IPPROTO_MPTCP, options, ret, err);
}

const struct stack_ops stack_native = {
	.name = "native",
	.summary = "Multipath TCP of this device's kernel",
	.uses_host_links = true,
	.own_tcp = true,
	.attachment = "substitute",
	.probe = probe_native,
	.open = open_native,
	.dial_open = sockets_dial_open,
	.dial_go_on = sockets_dial_go_on,
	.dial_close = sockets_dial_close,
	.listen = sockets_listen,
	.calls = &sockets_calls,
	.status = sockets_status,
	.close = sockets_close,
};
