/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: what the far side says, or said last. */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <netinet/in.h>
#include <string.h>

/* Without a far side (the connection is over) a fresh one answers. */
int relayed_far(struct relayed *socket)
{
	if (socket->far < 0)
		socket->far = socket->relay->calls->make(socket->relay->stack, socket->family);
	return socket->far;
}

int relay_read_address(const struct call *call, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	int size = (int)call->args[2];

	*ret = (struct sockaddr_storage){0};
	if (size < 0 || size > (int)sizeof(*ret))
		return -EINVAL;
	if (caller_read(call->pid, call->args[1], ret, (size_t)size) != size)
		return -EFAULT;
	*ret_size = (socklen_t)size;
	/* What is too short for a family is the far side's to refuse, but for one that it takes for none. */
	return size < (int)sizeof(sa_family_t) ? -EINVAL : 0;
}

int relay_write_address(const struct call *call, const struct sockaddr_storage *address,
			socklen_t size)
{
	int room = 0, full = (int)size;

	if (caller_read(call->pid, call->args[2], &room, sizeof(room)) != sizeof(room))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (room > full)
		room = full;
	if (room > 0 && caller_write(call->pid, call->args[1], address, (size_t)room) < 0)
		return -EFAULT;
	return caller_write(call->pid, call->args[2], &full, sizeof(full));
}

static socklen_t size_of(const struct relayed *socket)
{
	return socket->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static int name_of(struct relayed *socket, struct sockaddr_storage *ret, socklen_t *size)
{
	struct relay *relay = socket->relay;
	int far;

	if (socket->state == RELAYED_OVER && socket->own_size > 0) {
		memcpy(ret, &socket->own, socket->own_size);
		*size = socket->own_size;
		return 0;
	}
	far = relayed_far(socket);
	if (far < 0)
		return far;
	if (!socket->routed)
		return relay->calls->name(relay->stack, far, (struct sockaddr *)ret, size);
	ret->ss_family = (sa_family_t)socket->family;
	*size = size_of(socket);
	return 0;
}

void relay_on_name(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	int err = name_of(socket, &address, &size);

	if (err == 0)
		err = relay_write_address(call, &address, size);
	notify_answer(&relay->notify, call->id, err);
}

void relay_on_peer(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	int err = -ENOTCONN;

	if (socket->routed && socket->state == RELAYED_CONNECTED) {
		memcpy(&address, &socket->peer, sizeof(socket->peer));
		size = size_of(socket);
		err = 0;
	} else if (socket->state != RELAYED_OVER && socket->far >= 0)
		err = relay->calls->peer(relay->stack, socket->far, (struct sockaddr *)&address,
					 &size);
	if (err == 0)
		err = relay_write_address(call, &address, size);
	notify_answer(&relay->notify, call->id, err);
}
