/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/relay/relay.h"
#include "attach/filter.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"

#include <netinet/in.h>
#include <search.h>
#include <string.h>

#define PATIENCE (120 * NS_PER_S) /* about as the kernel has with what nobody holds any more */

static const relay_answer answers[CALL_KINDS] = {
	[CALL_CONNECT] = relay_on_connect,   [CALL_BIND] = relay_on_bind,
	[CALL_LISTEN] = relay_on_listen,     [CALL_ACCEPT] = relay_on_accept,
	[CALL_NAME] = relay_on_name,         [CALL_PEER] = relay_on_peer,
	[CALL_SET] = relay_on_set,           [CALL_GET] = relay_on_get,
	[CALL_SHUTDOWN] = relay_on_shutdown, [CALL_IOCTL] = relay_on_ioctl,
};

/* A TCP socket is asked for: the program gets the near side of one. */
static int make(struct relay *relay, const struct call *call)
{
	int family = (int)call->args[0], type = (int)call->args[1];
	_cleanup_close_ int near = near_make(type & SOCK_NONBLOCK);
	_cleanup_close_ int far = near < 0 ? -1 : relay->calls->make(relay->stack, family);
	struct relayed *socket;
	int err;

	if (near < 0 || far < 0)
		return near < 0 ? near : far;
	socket = relayed_new(relay, family, far);
	if (!socket)
		return -ENOMEM;
	steal_fd(&far);
	socket->pid = call->pid;
	err = relayed_name(socket, near);
	if (err == 0)
		err = notify_give(&relay->notify, call->id, near, type & SOCK_CLOEXEC);
	if (err < 0) {
		relayed_free(socket);
		return err;
	}
	relayed_unwatched(socket);
	return 0;
}

/* What the filter cannot see of the arguments, and what is only for sockets of our own network namespace. */
static bool is_ours_to_make(struct relay *relay, const struct call *call)
{
	int family = (int)call->args[0], type = (int)call->args[1], protocol = (int)call->args[2];

	return (family == AF_INET || family == AF_INET6) &&
	       (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM &&
	       (protocol == 0 || protocol == IPPROTO_TCP) &&
	       caller_is_home(&relay->home, call->pid);
}

static void on_socket(struct relay *relay, const struct call *call)
{
	int err = is_ours_to_make(relay, call) ? make(relay, call) : 1;

	if (err == 1)
		notify_let_go(&relay->notify, call->id);
	else if (err < 0 && err != -ENOENT)
		notify_answer(&relay->notify, call->id, err);
}

static void on_call(struct relay *relay, const struct call *call)
{
	_cleanup_close_ int theirs = caller_descriptor(call->pid, (int)call->args[0]);
	struct relayed *socket = theirs >= 0 ? relay_find(relay, theirs) : NULL;

	if (!socket) {
		notify_let_go(&relay->notify, call->id);
		return;
	}
	/* Else the number may have become another's before its descriptor was looked at. */
	if (!notify_waits(&relay->notify, call->id))
		return;
	socket->pid = call->pid;
	socket->fd = (int)call->args[0];
	/* The filter does not see all arguments of a 32-bit program. */
	if (call->kind == CALL_SEND && !(call->args[3] & MSG_FASTOPEN))
		notify_let_go(&relay->notify, call->id);
	else if (call->kind == CALL_SEND)
		notify_answer(&relay->notify, call->id, -EOPNOTSUPP);
	else
		answers[call->kind](relay, socket, call, theirs);
}

static void on_question(struct loop_source *source, uint32_t events)
{
	struct relay *relay = loop_owner(source, struct relay, questions);
	struct call call;

	if (!(events & EPOLLIN)) {
		relay->deserted = true;
		loop_forget(relay->loop, source);
		return;
	}
	if (notify_receive(&relay->notify) <= 0)
		return;
	/* Here, where nothing refers to a socket: a server never asks for another, and yet gets more and more. */
	if (relay->unwatched_count >= relay->sweep_at)
		relay_sweep(relay);
	if (!call_decode(relay->notify.request, &call))
		notify_let_go(&relay->notify, relay->notify.request->id);
	else if (call.kind == CALL_SOCKET)
		on_socket(relay, &call);
	else
		on_call(relay, &call);
}

static void add_moved(const void *node, VISIT which, void *data)
{
	struct relayed *socket = *(struct relayed *const *)node;
	uint64_t *moved = data;

	if ((which != postorder && which != leaf) || socket->state != RELAYED_CONNECTED)
		return;
	if (socket->carried) /* nobody writes to it any more */
		*moved -= (uint64_t)relayed_unsent(socket);
	else
		*moved += socket->flow.ends[0].out.moved + socket->flow.ends[1].out.moved;
}

/* When all programs have ended, what they wrote goes on as long as somebody takes it. */
static bool is_busy(struct attachment *attachment)
{
	struct relay *relay = (struct relay *)attachment;
	uint64_t moved = 0;

	if (relay->deserted && relay->stack->ops->is_busy &&
	    relay->stack->ops->is_busy(relay->stack))
		return true;
	if (!relay->deserted || relay->flows == 0)
		return !relay->deserted;
	twalk_r(relay->sockets, add_moved, &moved);
	if (moved != relay->moved || !relay->moved_at)
		relay->moved_at = clock_now();
	relay->moved = moved;
	return clock_now() - relay->moved_at < PATIENCE;
}

static int let_all_go(struct attachment *attachment)
{
	struct relay *relay = (struct relay *)attachment;
	int got = notify_receive(&relay->notify);

	if (got > 0)
		notify_let_go(&relay->notify, relay->notify.request->id);
	return got;
}

static void close_relay(struct attachment *attachment)
{
	struct relay *relay = (struct relay *)attachment;

	while (relay->sockets) {
		struct relayed *socket = *(struct relayed **)relay->sockets;

		relayed_free(socket);
	}
	near_close(&relay->near);
	home_close(&relay->home);
	notify_close(&relay->notify);
	if (relay->loop)
		loop_forget(relay->loop, &relay->questions);
	free(relay);
}

static int begin(struct attachment *attachment, int listener)
{
	struct relay *relay = (struct relay *)attachment;
	int err = notify_open(&relay->notify, listener);

	relay->questions = (struct loop_source){.fd = listener, .ready = on_question};
	if (err == 0 && relay->loop)
		err = loop_watch(relay->loop, &relay->questions, EPOLLIN);
	return err;
}

static int open_relay(const struct attachment_setup *setup, struct attachment **ret,
		      struct err *err)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int code;

	if (!relay)
		return err_set(err, -ENOMEM, "no memory for the relay");
	relay->attachment =
		(struct attachment){.ops = &attachment_relay, .asks = -1, .made = -1, .fd = -1};
	relay->loop = setup->loop;
	relay->near = (struct near){.lock = -1, .listener = -1, .door = -1, .diag = -1};
	relay->sweep_at = 64;
	TAILQ_INIT(&relay->unwatched);
	home_open(&relay->home);
	fds_raise_limit(); /* two for each connection */
	code = setup->listener < 0 ? 0 : begin(&relay->attachment, setup->listener);
	if (code == 0 && !setup->loop) {
		*ret = &relay->attachment;
		return 0;
	}
	if (code < 0)
		err_set(err, code, "the relay cannot begin: %s", strerror(-code));
	if (code == 0) {
		code = near_open(&relay->near, setup->folder);
		if (code < 0)
			err_set(err, code, "the relay cannot use the folder %s: %s", setup->folder,
				strerror(-code));
	}
	if (code < 0) {
		close_relay(&relay->attachment);
		return code;
	}
	relay->stack = setup->stack;
	relay->calls = setup->stack->ops->calls;
	relay->steering = setup->steering;
	*ret = &relay->attachment;
	return 0;
}

static int load(bool routed, int *ret_own, struct err *err)
{
	*ret_own = -1;
	return relay_filter_load(err);
}

const struct attachment_ops attachment_relay = {
	.name = "relay",
	.load = load,
	.open = open_relay,
	.begin = begin,
	.is_busy = is_busy,
	.let_go = let_all_go,
	.close = close_relay,
	.clean = near_clean,
};
