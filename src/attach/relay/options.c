/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options: what the far side says. Some hold for the program's waiting, too, which is on the near side. */
#include "attach/relay/relay.h"
#include "base/cleanup.h"

#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <string.h>

#define TCP_ULP_ 31

#define VALUE_MAX 1024 /* of an option; none of those that are passed on has more */

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
	{IPPROTO_TCP, 35, 35}, /* TCP_ZEROCOPY_RECEIVE */
	{IPPROTO_TCP, 47, INT_MAX},
	{IPPROTO_IP, 64, INT_MAX}, /* netfilter's */
	{IPPROTO_IPV6, 64, 65},
	{IPPROTO_IPV6, 68, 69},
	{IPPROTO_IPV6, 90, INT_MAX},
};

static bool is_known(int level)
{
	return level == SOL_SOCKET || level == IPPROTO_TCP || level == IPPROTO_IP ||
	       level == IPPROTO_IPV6;
}

static int may_pass(int level, int name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(withheld); i++)
		if (withheld[i].level == level && name >= withheld[i].first &&
		    name <= withheld[i].last)
			return -ENOPROTOOPT;
	return name < 0 || !is_known(level) ? -ENOPROTOOPT : 0;
}

/* This process may be allowed more than the program. */
static const struct {
	int level, name;
	unsigned capability;
} privileged[] = {
	{SOL_SOCKET, SO_DEBUG, CAP_NET_ADMIN},
	{SOL_SOCKET, SO_MARK, CAP_NET_ADMIN},
	{SOL_SOCKET, SO_RCVBUFFORCE, CAP_NET_ADMIN},
	{SOL_SOCKET, SO_SNDBUFFORCE, CAP_NET_ADMIN},
	{SOL_SOCKET, SO_PRIORITY, CAP_NET_ADMIN},
	{SOL_SOCKET, SO_BUSY_POLL, CAP_NET_ADMIN},
	{IPPROTO_IP, IP_TRANSPARENT, CAP_NET_ADMIN},
	{IPPROTO_IPV6, 75 /* IPV6_TRANSPARENT */, CAP_NET_ADMIN},
	{IPPROTO_TCP, 13 /* TCP_CONGESTION */, CAP_NET_ADMIN},
};

static bool is_privileged(const struct call *call, int level, int name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(privileged); i++)
		if (privileged[i].level == level && privileged[i].name == name)
			return caller_lacks(call->pid, privileged[i].capability);
	return false;
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
	case SO_PEEK_OFF:
#if defined(SO_RCVTIMEO_NEW) && SO_RCVTIMEO_NEW != SO_RCVTIMEO
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:
#endif
		return true;
	}
	return false;
}

/* The old form of a time limit has the size of the program's long; false: the program's is ours. */
static bool is_narrow(const struct call *call, int level, int name)
{
	return call->is_32bit && level == SOL_SOCKET &&
	       (name == SO_RCVTIMEO || name == SO_SNDTIMEO) && sizeof(long) > sizeof(int32_t);
}

struct narrow {
	int32_t seconds, microseconds;
};

static socklen_t widen(uint8_t *value, size_t size)
{
	struct narrow narrow;
	struct timeval wide;

	if (size < sizeof(narrow))
		return (socklen_t)size;
	memcpy(&narrow, value, sizeof(narrow));
	wide = (struct timeval){narrow.seconds, narrow.microseconds};
	memcpy(value, &wide, sizeof(wide));
	return sizeof(wide);
}

static socklen_t narrow_down(uint8_t *value)
{
	struct narrow narrow;
	struct timeval wide;

	memcpy(&wide, value, sizeof(wide));
	narrow = (struct narrow){(int32_t)wide.tv_sec, (int32_t)wide.tv_usec};
	memcpy(value, &narrow, sizeof(narrow));
	return sizeof(narrow);
}

static int set(struct relayed *socket, const struct call *call, int theirs)
{
	int level = (int)call->args[1], name = (int)call->args[2], size = (int)call->args[4];
	struct relay *relay = socket->relay;
	uint8_t value[VALUE_MAX];
	int err, far;

	if (size < 0)
		return -EINVAL;
	if (size > VALUE_MAX)
		size = VALUE_MAX;
	if (caller_read(call->pid, call->args[3], value, (size_t)size) != size)
		return -EFAULT;
	err = may_pass(level, name);
	if (err < 0)
		return err;
	if (is_privileged(call, level, name))
		return -EPERM;
	/* As where TCP can have no other protocol over it. */
	if (level == IPPROTO_TCP && name == TCP_ULP_)
		return size > 0 ? -ENOENT : -EINVAL;
	far = relayed_far(socket);
	if (far < 0)
		return far;
	if (is_narrow(call, level, name))
		size = (int)widen(value, (size_t)size);
	/* Without an address and of no size: that takes some values back. */
	err = relay->calls->set(relay->stack, far, level, name,
				size > 0 || call->args[3] ? value : NULL, (socklen_t)size);
	if (err == -ENOTCONN && relayed_has_ended(socket))
		return set(socket, call, theirs);
	if (err == 0 && is_of_waiting(level, name))
		setsockopt(theirs, level, name, value, (socklen_t)size);
	return err;
}

void relay_on_set(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	notify_answer(&relay->notify, call->id, set(socket, call, theirs));
}

/* The error that is to be told, once. */
static int next_error(struct relayed *socket, int theirs)
{
	socklen_t size = sizeof(int);
	int error = 0;

	/* The near side's own says no more than that there is one; when it was told, ours was. */
	getsockopt(theirs, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error && socket->error)
		error = socket->error;
	socket->error = 0;
	return error;
}

static void tell_instead(int value, void *ret, socklen_t size)
{
	memcpy(ret, &value, size < sizeof(value) ? size : sizeof(value));
}

static int get(struct relayed *socket, const struct call *call, int theirs, void *ret,
	       socklen_t *size)
{
	struct relay *relay = socket->relay;
	int level = (int)call->args[1], name = (int)call->args[2], far = relayed_far(socket);
	int err = may_pass(level, name);
	socklen_t room = *size;

	if (err < 0 && !is_known(level))
		err = -EOPNOTSUPP;
	if (err == 0 && far < 0)
		err = far;
	if (err == 0)
		err = relay->calls->get(relay->stack, far, level, name, ret, size);
	if (err == -ENOTCONN && relayed_has_ended(socket)) {
		*size = room;
		return get(socket, call, theirs, ret, size);
	}
	if (err == 0 && level == SOL_SOCKET && name == SO_ERROR)
		tell_instead(next_error(socket, theirs), ret, *size);
	/* It is what the program asked for, whatever the stack makes of it. TCP_IS_MPTCP tells. */
	if (err == 0 && level == SOL_SOCKET && name == SO_PROTOCOL)
		tell_instead(IPPROTO_TCP, ret, *size);
	return err;
}

static int tell(struct relayed *socket, const struct call *call, int theirs)
{
	bool narrow = is_narrow(call, (int)call->args[1], (int)call->args[2]);
	uint8_t value[VALUE_MAX] = {0};
	int room = 0, err;
	socklen_t size, full = sizeof(struct timeval);

	if (caller_read(call->pid, call->args[4], &room, sizeof(room)) != sizeof(room))
		return -EFAULT;
	/* IPv6 takes it for a large one. */
	if (room < 0 && call->args[1] != IPPROTO_IPV6)
		return -EINVAL;
	size = room < 0 || room > VALUE_MAX ? VALUE_MAX : (socklen_t)room;
	err = get(socket, call, theirs, value, narrow ? &full : &size);
	if (err == 0 && narrow && narrow_down(value) < size)
		size = sizeof(struct narrow);
	if (err == 0)
		err = caller_write(call->pid, call->args[3], value, size);
	if (err == 0)
		err = caller_write(call->pid, call->args[4], &size, sizeof(size));
	return err;
}

void relay_on_get(struct relay *relay, struct relayed *socket, const struct call *call, int theirs)
{
	notify_answer(&relay->notify, call->id, tell(socket, call, theirs));
}
