/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shutdown() and ioctl(): of the first what is not the end of a connection, which goes through the near side by itself; of the
 * second what is asked of TCP, and what an AF_UNIX socket would not know of the host's links.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

/* -ENOENT: the near side's is the answer. */
static int shut(struct relayed *socket, const struct call *call, int theirs)
{
	unsigned how = (unsigned)call->args[1];

	if (how > SHUT_RDWR)
		return -EINVAL;
	switch (socket->state) {
	case RELAYED_CONNECTED:
		return -ENOENT;
	case RELAYED_CONNECTING:
		return relayed_stop(socket, call, theirs);
	case RELAYED_LISTENING:
		return how == SHUT_WR ? 0 : relayed_stop(socket, call, theirs);
	case RELAYED_FRESH:
	case RELAYED_FAILED:
	case RELAYED_OVER:
		break;
	}
	return -ENOTCONN;
}

void relay_on_shutdown(struct relay *relay, struct relayed *socket, const struct call *call,
		       int theirs)
{
	int result = shut(socket, call, theirs);

	if (result == -ENOENT)
		notify_let_go(&relay->notify, call->id);
	else
		notify_answer(&relay->notify, call->id, result);
}

/* What the program wrote and its peer has not acknowledged: it may be in the near side, on its way, or in the far side. */
int relayed_unsent(struct relayed *socket)
{
	const struct flow_way *way = &socket->flow.ends[0].out;
	int near = 0, far;

	if (socket->state == RELAYED_LISTENING)
		return -EINVAL;
	if (socket->state != RELAYED_CONNECTED)
		return 0;
	far = socket->relay->calls->unsent(socket->relay->stack, socket->far);
	if (socket->carried)
		return relayed_has_ended(socket) ? 0 : far;
	ioctl(socket->flow.ends[0].source.fd, FIONREAD, &near);
	return far < 0 ? far : near + far + (int)flow_held(way);
}

static int tell_unsent(struct relayed *socket, const struct call *call)
{
	int bytes = relayed_unsent(socket);

	return bytes < 0 ? bytes : caller_write(call->pid, call->args[2], &bytes, sizeof(bytes));
}

/* What any IPv4 socket would be told of the host's links. */
static int tell_link(const struct call *call, unsigned long request)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq link; /* that of a 32-bit program is shorter at its end, which is not used */
	const size_t size = offsetof(struct ifreq, ifr_addr) + sizeof(link.ifr_addr);

	if (fd < 0)
		return -errno;
	if (caller_read(call->pid, call->args[2], &link, size) != (ssize_t)size)
		return -EFAULT;
	if (ioctl(fd, request, &link) < 0)
		return -errno;
	return caller_write(call->pid, call->args[2], &link, size);
}

void relay_on_ioctl(struct relay *relay, struct relayed *socket, const struct call *call,
		    int theirs)
{
	unsigned long request = (unsigned)call->args[1];
	int result = request == SIOCOUTQ         ? tell_unsent(socket, call)
		     : socket->family == AF_INET ? tell_link(call, request)
						 : -ENOTTY;

	notify_answer(&relay->notify, call->id, result);
}
