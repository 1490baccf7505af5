/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/serving.h"

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/loop.h"
#include "run/linked.h"
#include "stack/own_wire.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

struct serving {
	struct loop loop;
	struct linked linked;
	struct loop_source control;   /* the program's word */
	struct loop_source stack_end; /* of the stack's */
};

/* The program closes it before its sockets, which go on. */
static void on_control(struct loop_source *source, uint32_t events)
{
	struct serving *s = loop_owner(source, struct serving, control);
	const struct stack_links links = packets_links(&s->linked.packets);
	uint16_t port;

	if (recv(source->fd, &port, sizeof(port), MSG_DONTWAIT) == sizeof(port)) {
		if (port > 0)
			links.listens(port, links.data);
		else
			links.more(links.data);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		loop_forget(&s->loop, source);
}

static void on_end(struct loop_source *source, uint32_t events)
{
	loop_stop(&loop_owner(source, struct serving, stack_end)->loop);
}

static int open_stack(struct serving *s, const struct stack_ops *ops, const struct policy *policy,
		      struct err *err)
{
	/* There is nobody to be told. */
	const struct linked_wishes wishes = {.policy = policy, .ports = PORT_SHARED, .quiet = true};
	int net = net_start(err);

	return net < 0 ? net : linked_open(&s->linked, ops, &wishes, net, &s->loop, err);
}

/* The way to it, the caller's. */
static int open_all(struct serving *s, const struct stack_ops *ops, const struct policy *policy,
		    int control, struct err *err)
{
	int code = loop_open(&s->loop), way = -1;

	if (code < 0)
		return err_set(err, code, "cannot wait: %s", strerror(-code));
	code = open_stack(s, ops, policy, err);
	if (code < 0)
		return code;
	s->control = (struct loop_source){.fd = control, .ready = on_control};
	s->stack_end.ready = on_end;
	code = ops->admit(s->linked.stack, &way, &s->stack_end.fd);
	if (code == 0)
		code = loop_watch(&s->loop, &s->control, EPOLLIN);
	if (code == 0)
		code = loop_watch(&s->loop, &s->stack_end, EPOLLIN);
	if (code < 0)
		close_fd(way);
	return code < 0 ? err_set(err, code, "stack %s cannot be handed over: %s", ops->name,
				  strerror(-code))
			: way;
}

static void close_all(struct serving *s)
{
	linked_close(&s->linked);
	loop_close(&s->loop);
}

int serving_main(const struct stack_ops *ops, const struct policy *policy, int control)
{
	struct serving s = {.linked = LINKED_NONE, .loop.epoll = -1};
	struct own_answer answer = {0};
	_cleanup_close_ int way = -1;
	struct err err = {0};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* it ends with the last socket */
	way = open_all(&s, ops, policy, control, &err);
	answer.code = way < 0 ? way : 0;
	snprintf(answer.words, sizeof(answer.words), "%s", err.text);
	if (send(control, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) && way >= 0 &&
	    fds_send(control, way) == 0) {
		way = close_fd(way);
		loop_run(&s.loop);
	}
	way = close_fd(way);
	close_all(&s);
	return answer.code < 0;
}
