/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stack "host": plain TCP of the kernel that this device runs; what the others are compared with.
 */
#include "stack/sockets.h"
#include "stack/stack.h"

#include <netinet/in.h>

static int probe_host(struct err *why)
{
	return 0;
}

static int open_host(const struct stack_options *options, struct stack **ret, struct err *err)
{
	return sockets_open(&stack_host, IPPROTO_TCP, options, ret, err);
}

const struct stack_ops stack_host = {
	.name = "host",
	.summary = "plain TCP of this device's kernel",
	.tcp_only = true,
	.attachment = "relay",
	.probe = probe_host,
	.open = open_host,
	.dial_open = sockets_dial_open,
	.dial_go_on = sockets_dial_go_on,
	.dial_close = sockets_dial_close,
	.listen = sockets_listen,
	.calls = &sockets_calls,
	.status = sockets_status,
	.close = sockets_close,
};
