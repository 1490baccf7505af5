/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections whose bytes the stack moves itself. All that comes here is how they ended. Our end of the near side stays open until
 * then: the program is to be told of a loss (near_spoil()), and of one of the stack's whole process, too.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <poll.h>
#include <string.h>

static void on_end(struct loop_source *source, uint32_t events)
{
	struct relayed *socket = loop_owner(source, struct relayed, far_source);
	struct stack_carried is;

	loop_forget(socket->relay->loop, source);
	if (recv(source->fd, &is, sizeof(is), MSG_DONTWAIT) != (ssize_t)sizeof(is))
		is = (struct stack_carried){.error = -ECONNRESET}; /* with the stack */
	memcpy(&socket->own, &is.own, sizeof(is.own));
	socket->own_size = is.own_size;
	relayed_over(socket, is.error, is.sent, is.received);
	socket->near = close_fd(socket->near);
	socket->far = close_fd(socket->far);
}

bool relayed_has_ended(struct relayed *socket)
{
	struct pollfd end = {.fd = socket->far, .events = POLLIN};

	if (!socket->carried || socket->state != RELAYED_CONNECTED || poll(&end, 1, 0) <= 0)
		return false;
	on_end(&socket->far_source, EPOLLIN);
	return true;
}

int relayed_carry(struct relayed *socket, int near)
{
	struct relay *relay = socket->relay;
	int err = relay->calls->carry ? relay->calls->carry(relay->stack, socket->far, near)
				      : -EOPNOTSUPP;

	socket->carried = err == 0;
	if (err < 0)
		return err;
	socket->near = near;
	socket->far_source = (struct loop_source){.fd = socket->far, .ready = on_end};
	err = loop_watch(relay->loop, &socket->far_source, EPOLLIN);
	if (err < 0) {
		socket->near = close_fd(socket->near);
		socket->far = close_fd(socket->far);
	}
	return err;
}
