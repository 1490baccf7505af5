/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and options: what the far side says. Some options hold for the program's waiting, too, which is on the near side.
 */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#define VALUE_MAX 1024 /* of an option; none of those that are passed on has more */

/* Without a far side (the connection is over) a fresh one answers. */
static int far_of(struct relayed *socket)
{
	if (socket->far < 0 && !socket->spoiled)
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

typedef int (*ask_name)(struct stack *stack, int fd, struct sockaddr *ret, socklen_t *size);

static void answer_name(struct relayed *socket, const struct call *call, ask_name ask)
{
	struct relay *relay = socket->relay;
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	int far = far_of(socket);
	int err = far < 0 ? -ENOTCONN : ask(relay->stack, far, (struct sockaddr *)&address, &size);

	if (err == 0 && address.ss_family == AF_UNIX) { /* a route's: no address is its own */
		address = (struct sockaddr_storage){.ss_family = (sa_family_t)socket->family};
		size = socket->family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);
	}
	if (err == 0)
		err = relay_write_address(call, &address, size);
	notify_answer(&relay->notify, call->id, err);
}

void relay_on_name(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	answer_name(socket, call, relay->calls->name);
}

void relay_on_peer(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	/* What a route has connected is another's, or no socket of the stack at all. */
	if (relay->steering && socket->peer.ss_family && socket->state == RELAYED_CONNECTED) {
		socklen_t size = socket->peer.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								    : sizeof(struct sockaddr_in);

		notify_answer(&relay->notify, call->id,
			      relay_write_address(call, &socket->peer, size));
		return;
	}
	answer_name(socket, call, relay->calls->peer);
}

/* Options that are not passed on: their values are addresses or descriptors, which would be taken for ours; or they change what
 * the socket's bytes are, which is seen on the far side alone. Numbers, for no version of the headers has them all. */
static const struct {
	int level, first, last;
} withheld[] = {
	{SOL_SOCKET, SO_ATTACH_FILTER, SO_DETACH_FILTER},
	{SOL_SOCKET, 50, 52}, /* SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_* */
	{SOL_SOCKET, 60, 60}, /* SO_ZEROCOPY */
	{SOL_SOCKET, 76, 80}, /* SO_PASSPIDFD, SO_PEERPIDFD, SO_DEVMEM_* */
	{SOL_SOCKET, 84, INT_MAX},
	{IPPROTO_TCP, 19, 22}, /* TCP_REPAIR */
	{IPPROTO_TCP, 31, 31}, /* TCP_ULP */
	{IPPROTO_TCP, 35, 35}, /* TCP_ZEROCOPY_RECEIVE */
	{IPPROTO_TCP, 47, INT_MAX},
	{IPPROTO_IP, 64, INT_MAX}, /* netfilter's */
	{IPPROTO_IPV6, 64, 65},
	{IPPROTO_IPV6, 68, 69},
	{IPPROTO_IPV6, 90, INT_MAX},
};

static int may_pass(int level, int name)
{
	if (level != SOL_SOCKET && level != IPPROTO_TCP && level != IPPROTO_IP &&
	    level != IPPROTO_IPV6)
		return -ENOPROTOOPT;
	for (unsigned i = 0; i < ARRAY_SIZE(withheld); i++)
		if (withheld[i].level == level && name >= withheld[i].first &&
		    name <= withheld[i].last)
			return -ENOPROTOOPT;
	return name < 0 ? -ENOPROTOOPT : 0;
}

/* The program waits on its own side: what it says of waiting holds there. */
static bool is_of_waiting(int level, int name)
{
	if (level != SOL_SOCKET)
		return false;
	switch (name) {
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
	case SO_RCVLOWAT:
#if defined(SO_RCVTIMEO_NEW) && SO_RCVTIMEO_NEW != SO_RCVTIMEO
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:
#endif
		return true;
	}
	return false;
}

void relay_on_set(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	int level = (int)call->args[1], name = (int)call->args[2], size = (int)call->args[4];
	int err = may_pass(level, name), far = far_of(socket);
	uint8_t value[VALUE_MAX];

	if (err == 0 && far < 0)
		err = far;
	if (err == 0 && size < 0)
		err = -EINVAL;
	if (size > VALUE_MAX)
		size = VALUE_MAX;
	if (err == 0 && caller_read(call->pid, call->args[3], value, (size_t)size) != size)
		err = -EFAULT;
	if (err == 0)
		err = relay->calls->set(relay->stack, far, level, name, value, (socklen_t)size);
	if (err == 0 && is_of_waiting(level, name))
		setsockopt(theirs, level, name, value, (socklen_t)size);
	notify_answer(&relay->notify, call->id, err);
}

/* The error that is to be told, once. */
static int next_error(struct relayed *socket, int theirs)
{
	socklen_t size = sizeof(int);
	int error = 0;

	/* The near side's own says no more than that there is one, and is told now. */
	getsockopt(theirs, SOL_SOCKET, SO_ERROR, &error, &size);
	if (socket->error)
		error = socket->error;
	socket->error = 0;
	return error;
}

static int get(struct relayed *socket, const struct call *call, int theirs, void *ret,
	       socklen_t *size)
{
	struct relay *relay = socket->relay;
	int level = (int)call->args[1], name = (int)call->args[2], far = far_of(socket);
	int err = may_pass(level, name);

	if (err == 0 && far < 0)
		err = far;
	if (err == 0)
		err = relay->calls->get(relay->stack, far, level, name, ret, size);
	if (err == 0 && level == SOL_SOCKET && name == SO_ERROR) {
		int error = next_error(socket, theirs);

		memcpy(ret, &error, *size < sizeof(error) ? *size : sizeof(error));
	}
	return err;
}

void relay_on_get(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	uint8_t value[VALUE_MAX] = {0};
	int room = 0, err = 0;
	socklen_t size;

	if (caller_read(call->pid, call->args[4], &room, sizeof(room)) != sizeof(room))
		err = -EFAULT;
	else if (room < 0)
		err = -EINVAL;
	size = room > VALUE_MAX ? VALUE_MAX : (socklen_t)room;
	if (err == 0)
		err = get(socket, call, theirs, value, &size);
	if (err == 0)
		err = caller_write(call->pid, call->args[3], value, size);
	if (err == 0)
		err = caller_write(call->pid, call->args[4], &size, sizeof(size));
	notify_answer(&relay->notify, call->id, err);
}
