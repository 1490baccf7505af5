/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/answer.h"

#include "attach/model.h"
#include "base/cleanup.h"

#include <linux/net.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <string.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define OWN_LEVEL (-1) /* remembered for a socket that the program itself made MPTCP */

/* The calls by the numbers that they have in each call interface. */
struct numbers {
	uint32_t arch;
	int set, get, socketcall; /* socketcall: all in one; -1 where there is none */
};

struct answer {
	int listener;
	const struct home *home;
	struct model *model;   /* owned */
	struct recall *recall; /* owned */
	struct numbers interfaces[2];
	struct option_traps traps; /* the filter asks about more where it cannot see the option */
	uint8_t value[MODEL_ROOM]; /* of the call that is being answered */
};

/* A call as the program made it. */
struct option_call {
	enum option_direction direction;
	pid_t pid;
	uint64_t id;
	int fd, level, name;
	uint64_t value;  /* address */
	uint64_t length; /* of the value; OPTION_GET: address of it */
};

static struct numbers numbers_of(uint32_t token)
{
	return (struct numbers){
		.arch = token,
		.set = seccomp_syscall_resolve_name_arch(token, "setsockopt"),
		.get = seccomp_syscall_resolve_name_arch(token, "getsockopt"),
		.socketcall = token == SCMP_ARCH_X86
				      ? seccomp_syscall_resolve_name_arch(token, "socketcall")
				      : -1,
	};
}

int answer_new(int listener, const struct home *home, struct answer **ret)
{
	uint32_t native = seccomp_arch_native();
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->listener = listener;
	a->home = home;
	a->recall = recall_new();
	if (!a->recall || model_new(&a->model) < 0) {
		answer_free(a);
		return -ENOMEM;
	}
	a->traps = model_traps();
	a->interfaces[0] = numbers_of(native);
	if (native == SCMP_ARCH_X86_64)
		a->interfaces[1] = numbers_of(SCMP_ARCH_X86);
	else if (native == SCMP_ARCH_AARCH64)
		a->interfaces[1] = numbers_of(SCMP_ARCH_ARM);
	*ret = a;
	return 0;
}

void answer_free(struct answer *answer)
{
	if (!answer)
		return;
	model_free(answer->model);
	recall_free(answer->recall);
	free(answer);
}

static const struct numbers *interface_of(const struct answer *a, const struct seccomp_data *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->interfaces); i++) {
		const struct numbers *n = &a->interfaces[i];

		if (n->arch != data->arch || n->arch == 0)
			continue;
		if (data->nr == n->set || data->nr == n->get)
			return n;
		if (data->nr == n->socketcall &&
		    ((int)data->args[0] == SYS_SETSOCKOPT || (int)data->args[0] == SYS_GETSOCKOPT))
			return n;
	}
	return NULL;
}

bool answer_wants(const struct answer *answer, const struct seccomp_notif *request)
{
	return interface_of(answer, &request->data) != NULL;
}

/* False: the arguments cannot be read. */
static bool decode(const struct answer *a, const struct seccomp_notif *request,
		   struct option_call *ret)
{
	const struct seccomp_data *data = &request->data;
	const struct numbers *n = interface_of(a, data);
	bool set = data->nr == n->set;
	uint64_t args[5];

	memcpy(args, data->args, sizeof(args));
	if (data->nr == n->socketcall) {
		uint32_t words[5];
		ssize_t got = caller_read((pid_t)request->pid, (uint32_t)data->args[1], words,
					  sizeof(words));

		if (got != sizeof(words))
			return false;
		set = (int)data->args[0] == SYS_SETSOCKOPT;
		for (unsigned i = 0; i < 5; i++)
			args[i] = words[i];
	}
	*ret = (struct option_call){
		.direction = set ? OPTION_SET : OPTION_GET,
		.pid = (pid_t)request->pid,
		.id = request->id,
		.fd = (int)args[0],
		.level = (int)args[1],
		.name = (int)args[2],
		.value = args[3],
		.length = args[4],
	};
	return true;
}

/* What was read under the asker's number was the asker's only if it still waits. */
static bool still_waits(const struct answer *a, const struct option_call *call)
{
	return seccomp_notify_id_valid(a->listener, call->id) == 0;
}

static bool get_int(int fd, int name, int *ret)
{
	socklen_t length = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, name, ret, &length) == 0;
}

/* Is @subject->fd, which is complete but for the domain and the cookie, a socket of ours? */
static bool recognise(const struct answer *a, struct model_subject *subject)
{
	socklen_t length = sizeof(subject->cookie);
	int protocol;

	return get_int(subject->fd, SO_PROTOCOL, &protocol) && protocol == IPPROTO_MPTCP &&
	       get_int(subject->fd, SO_DOMAIN, &subject->domain) &&
	       getsockopt(subject->fd, SOL_SOCKET, SO_COOKIE, &subject->cookie, &length) == 0 &&
	       !recall_get(a->recall, subject->cookie, OWN_LEVEL, 0);
}

static bool connected(const struct model_subject *subject)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	return getpeername(subject->fd, (struct sockaddr *)&peer, &length) == 0;
}

/* The options of a connection that fell back to TCP are TCP's again. It shows by one that MPTCP
 * will never have. */
static bool fell_back(const struct model_subject *subject)
{
	int ttl;
	socklen_t length = sizeof(ttl);

	return getsockopt(subject->fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, &length) == 0;
}

/* Does the kernel serve this call as it serves TCP's? */
static bool kernel_serves(struct answer *a, const struct model_subject *subject,
			  const struct option_call *call, enum option_answer answer)
{
	if (answer == OPTION_UNTIL_CONNECTED) {
		/* IPv6's options do not exist on an IPv4 socket, where MPTCP serves them all the
		 * same. What was remembered can only be got where it was put. */
		if (call->level == IPPROTO_IPV6 && subject->domain != AF_INET6)
			return false;
		if (call->direction == OPTION_SET)
			return !connected(subject);
		return !recall_get(a->recall, subject->cookie, call->level, call->name);
	}
	if ((answer == OPTION_MODEL || answer == OPTION_KERNEL) && call->level != SOL_SOCKET &&
	    connected(subject) && fell_back(subject)) {
		model_hand_over(a->model, subject, a->recall);
		return true;
	}
	return false;
}

static int answer_set(struct answer *a, const struct model_subject *subject,
		      const struct option_call *call, struct option_how how)
{
	socklen_t length = (socklen_t)call->length;
	size_t wanted = length < MODEL_ROOM ? length : MODEL_ROOM;
	ssize_t readable =
		length <= INT32_MAX ? caller_read(call->pid, call->value, a->value, wanted) : 0;
	int err;

	if (readable < 0 || !still_waits(a, call))
		return ANSWER_GOES_ON;
	if (!call->value)
		memset(a->value, 0, wanted); /* what some options take it for */
	err = model_set(a->model, subject, call->level, call->name, call->value ? a->value : NULL,
			(size_t)readable, length);
	if (err == MODEL_NOT_ASKED)
		return ANSWER_GOES_ON;
	if (how.answer == OPTION_REFUSED)
		return err == 0 || err == -ENOTCONN ? -how.error : err;
	if (err == 0)
		recall_put(a->recall, subject->cookie, call->level, call->name, a->value,
			   call->value ? (size_t)readable : wanted);
	return err;
}

static int answer_get(struct answer *a, const struct model_subject *subject,
		      const struct option_call *call, struct option_how how)
{
	socklen_t length, *at = &length;
	ssize_t readable = caller_read(call->pid, call->length, &length, sizeof(length));
	int err;

	if (readable < 0)
		return ANSWER_GOES_ON;
	if (readable != sizeof(length))
		at = NULL; /* the kernel may find another fault first */
	if (how.answer == OPTION_ROUTE && connected(subject))
		err = model_get_route(subject, call->level, call->name, a->value, at);
	else
		err = model_get(a->model, subject, call->level, call->name, a->value, at);
	if (err == MODEL_NOT_ASKED || !still_waits(a, call))
		return ANSWER_GOES_ON;
	if (err < 0)
		return err;
	err = caller_write(call->pid, call->value, a->value, length);
	if (err == 0)
		err = caller_write(call->pid, call->length, &length, sizeof(length));
	return err == 0 || err == -EFAULT ? err : ANSWER_GOES_ON;
}

int answer_call(struct answer *answer, const struct seccomp_notif *request)
{
	_cleanup_close_ int fd = -1;
	struct model_subject subject = {.home = answer->home, .recall = answer->recall};
	struct option_call call;
	struct option_how how;

	if (!decode(answer, request, &call) ||
	    !options_trapped(&answer->traps, call.level, call.name, call.direction))
		return ANSWER_GOES_ON;
	fd = caller_descriptor(call.pid, call.fd);
	if (fd < 0)
		return ANSWER_GOES_ON;
	subject.pid = call.pid;
	subject.fd = fd;
	how = options_how(call.level, call.name, call.direction);
	if (!recognise(answer, &subject) || kernel_serves(answer, &subject, &call, how.answer))
		return ANSWER_GOES_ON;
	if (call.direction == OPTION_SET)
		return answer_set(answer, &subject, &call, how);
	return answer_get(answer, &subject, &call, how);
}

void answer_own(struct answer *answer, int fd)
{
	uint64_t cookie;
	socklen_t length = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0)
		recall_put(answer->recall, cookie, OWN_LEVEL, 0, NULL, 0);
}
