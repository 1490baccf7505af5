/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request, until it is answered. Where it is not known whether the server speaks MPTCP both ways are tried at once: the direct
 * one is taken if it turns out to be MPTCP, else that by the relay. A direct connection that turned out to be plain TCP is kept
 * until then: if the relay cannot be reached, or does not want to, it is better than none.
 */
#include "attach/proxy/announce.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "via/agent/agent.h"

#include <netinet/tcp.h>
#include <string.h>

#define COMPLAIN_EVERY (10 * NS_PER_S)

static void go_direct(struct errand *errand);
static void go_via(struct errand *errand);

void errand_close(struct errand *errand)
{
	struct agent *agent = errand->agent;

	loop_forget(&agent->loop, &errand->reply);
	loop_forget(&agent->loop, &errand->direct);
	loop_unset(&agent->loop, &errand->timer);
	if (errand->dialling)
		agent->stack->ops->dial_close(errand->dialling);
	if (errand->line)
		line_close(errand->line);
	close_fd(errand->reply.fd);
	loop_forget(&agent->loop, &errand->theirs);
	close_fd(errand->theirs.fd); /* with what was held: the program finds it reset */
	close_fd(errand->spare);
	TAILQ_REMOVE(&agent->errands, errand, link);
	free(errand);
}

static const char *name_of(const struct errand *errand, char *text, size_t size)
{
	const char *host = errand->request.host;
	bool v6 = strchr(host, ':') != NULL;

	snprintf(text, size, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", errand->request.port);
	return text;
}

static void explain(const struct errand *errand, const char *how, const char *why)
{
	char text[JOIN_HOST_SIZE + 16];

	if (errand->agent->options.explain)
		fprintf(stderr, "rivulet: %s: %s%s%s\n", name_of(errand, text, sizeof(text)), how,
			why ? ": " : "", why ? why : "");
}

static void tell(struct errand *errand, int code, const char *why)
{
	struct via_reply reply = {.code = code, .way = errand->way};

	snprintf(reply.why, sizeof(reply.why), "%s", why ? why : "");
	wire_send(errand->reply.fd, &reply, sizeof(reply), -1);
}

static void answer(struct errand *errand, int code, const char *why)
{
	tell(errand, code, why);
	errand_close(errand);
}

/* What the way to the door had filled it with: true, when it is gone. */
static bool drain(struct errand *errand)
{
	static char nothing[16384];

	while (errand->held > 0) {
		ssize_t got = recv(errand->theirs.fd, nothing,
				   errand->held < sizeof(nothing) ? errand->held : sizeof(nothing),
				   MSG_DONTWAIT);

		if (got <= 0)
			return false;
		errand->held -= (uint32_t)got;
	}
	return true;
}

/* The door's connections are made with little room. */
static void widen(int fd)
{
	const int room = 1 << 20, window = 65535;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof(window));
}

static void join(struct errand *errand)
{
	struct line *line = steal_ptr(errand->line);
	int spare = steal_fd(&errand->spare);

	loop_forget(&errand->agent->loop, &errand->theirs);
	widen(errand->theirs.fd);
	transfer_open(errand->agent, steal_fd(&errand->theirs.fd), spare, line);
	errand_close(errand);
}

static void on_theirs(struct loop_source *source, uint32_t events)
{
	struct errand *errand = loop_owner(source, struct errand, theirs);

	if (drain(errand))
		join(errand);
	else if (events & (EPOLLERR | EPOLLHUP))
		errand_close(errand);
}

/* Both ends are there. That is told before what was held is let go: the program must not find its socket connected while others
 * still believe that it is not. */
static void meet(struct errand *errand)
{
	tell(errand, 0, NULL);
	loop_unset(&errand->agent->loop, &errand->timer);
	loop_forget(&errand->agent->loop, &errand->reply);
	if (drain(errand))
		join(errand);
	else if (loop_watch(&errand->agent->loop, &errand->theirs, EPOLLIN) < 0)
		errand_close(errand);
}

/* The connection is there: @errand->line or, if that is none, @errand->spare. */
static void succeed(struct errand *errand)
{
	if (errand->dialling) {
		loop_forget(&errand->agent->loop, &errand->direct);
		loop_unset(&errand->agent->loop, &errand->timer);
		errand->agent->stack->ops->dial_close(steal_ptr(errand->dialling));
	}
	if (errand->line)
		errand->spare = close_fd(errand->spare);
	errand->connected = true;
	if (errand->theirs.fd >= 0)
		meet(errand);
	else
		loop_set(&errand->agent->loop, &errand->timer, clock_now() + ARRIVAL_PATIENCE);
}

void errand_join(struct errand *errand, int fd)
{
	close_fd(errand->theirs.fd);
	errand->theirs.fd = fd;
	if (errand->connected)
		meet(errand);
}

/* One of two ways has ended in failure. The relay's word about the server is the one that is passed on; if it did not get that
 * far, ours. */
static void fail(struct errand *errand)
{
	if (errand->dialling || errand->line)
		return; /* the other goes on */
	if (errand->spare >= 0) {
		explain(errand, "directly, by plain TCP", errand->line_why.text);
		succeed(errand);
		return;
	}
	if (errand->direct_code < 0)
		answer(errand, errand->direct_code, errand->direct_why.text);
	else
		answer(errand, errand->line_code, errand->line_why.text);
}

static enum way said(const struct errand *errand)
{
	return ways_said(&errand->agent->options.ways, errand->request.host, errand->request.port);
}

static bool is_hint(const struct errand *errand)
{
	return ways_hints(&errand->agent->options.ways, errand->request.host, errand->request.port);
}

static void learn(struct errand *errand, enum way way)
{
	errand->way = way;
	ways_learn(&errand->agent->options.ways, errand->request.host, errand->request.port, way,
		   clock_now() / NS_PER_S);
}

/* Takes @fd. */
static void on_direct(struct errand *errand, int fd)
{
	const struct stack *stack = errand->agent->stack;
	struct rv_status status = {0};
	bool multipath, known, find = said(errand) == WAY_FIND;
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	multipath = stack->ops->status((struct stack *)stack, fd, &status, NULL) == 0 &&
		    (status.protocol == RV_MPTCP || status.protocol == RV_MPTCP_PERHAPS);
	errand->spare = fd;
	if (!find || multipath) {
		if (find)
			learn(errand, WAY_DIRECT);
		explain(errand, multipath ? "speaks MPTCP: directly" : "directly, by plain TCP",
			NULL);
		if (errand->line)
			line_close(steal_ptr(errand->line));
		succeed(errand);
		return;
	}
	known = errand->way == WAY_DIRECT;
	learn(errand, WAY_VIA);
	if (known)
		go_via(errand); /* it was another way before */
	else
		fail(errand); /* unless the relay is being asked */
}

static void dial(struct errand *errand)
{
	struct agent *agent = errand->agent;
	uint64_t wake;
	int code = agent->stack->ops->dial_go_on(errand->dialling, &wake, &errand->direct_why);

	if (code == -EINPROGRESS) {
		loop_set(&agent->loop, &errand->timer, wake);
		return;
	}
	loop_unset(&agent->loop, &errand->timer);
	loop_forget(&agent->loop, &errand->direct);
	agent->stack->ops->dial_close(steal_ptr(errand->dialling));
	if (code >= 0) {
		on_direct(errand, code);
		return;
	}
	errand->direct_code = code;
	fail(errand);
}

static void on_dialling(struct loop_source *source, uint32_t events)
{
	dial(loop_owner(source, struct errand, direct));
}

static void on_time(struct loop_timer *timer)
{
	struct errand *errand = loop_owner(timer, struct errand, timer);

	if (errand->dialling)
		dial(errand);
	else if (errand->connected)
		answer(errand, -ETIMEDOUT, "nobody came in at the door for it");
	else
		fail(errand);
}

static void go_direct(struct errand *errand)
{
	struct agent *agent = errand->agent;
	const struct stack_dial how = {.host = errand->request.host,
				       .service = errand->request.port,
				       .flags = RV_NONBLOCK,
				       .timeout_ms = errand->request.timeout_ms,
				       .before = agent_announce,
				       .data = agent};
	int code = agent->stack->ops->dial_open(agent->stack, &how, &errand->dialling,
						&errand->direct_why);

	if (code == 0) {
		errand->direct.fd = errand->dialling->fd;
		code = loop_watch(&agent->loop, &errand->direct, EPOLLIN);
	}
	if (code < 0)
		errand->direct_code = code;
	loop_set(&agent->loop, &errand->timer, clock_now()); /* its first step */
}

/* What is wrong with the relay, and not with one server. */
static void complain(const struct line *line, int code)
{
	struct agent *agent = line->agent;
	uint64_t now = clock_now();

	if (agent->options.quiet || (line->answered && code != -EPERM && code != -EPROTO) ||
	    (agent->complained_at && now < agent->complained_at + COMPLAIN_EVERY))
		return;
	agent->complained_at = now;
	fprintf(stderr, "rivulet: relay %s: %s\n", agent->options.relay.host, line->why.text);
}

static void on_line(struct line *line, int code)
{
	struct errand *errand = line->data;

	if (code == 0 && line->state == LINE_READY) {
		line_ask(line, errand->request.host, errand->request.port);
		return;
	}
	if (code == 0) {
		char text[32 + JOIN_HOST_SIZE];

		snprintf(text, sizeof(text), "by the relay %s", errand->agent->options.relay.host);
		explain(errand,
			said(errand) == WAY_VIA  ? "as was said"
			: errand->way != WAY_VIA ? "has not said whether it speaks MPTCP"
			: is_hint(errand)        ? "did not speak MPTCP lately"
						 : "does not speak MPTCP",
			text);
		succeed(errand);
		return;
	}
	errand->line_code = code;
	errand->line_why = line->why;
	errand->line = NULL;
	if (!line->answered && !errand->retried && (line->was_ready || code == -ECONNRESET)) {
		/* It waited for too long, and the relay had closed it; or it was a stranger there, and had to make room. */
		line_close(line);
		errand->retried = true;
		go_via(errand);
		return;
	}
	complain(line, code);
	line_close(line);
	if (!errand->dialling && errand->spare < 0 && !errand->direct_code &&
	    said(errand) == WAY_FIND)
		go_direct(errand);
	else
		fail(errand);
}

static void go_via(struct errand *errand)
{
	struct line *line = errand->retried ? NULL : pool_take(errand->agent);

	if (line) {
		line->over = on_line;
		line->data = errand;
		line_ask(line, errand->request.host, errand->request.port);
	} else {
		line = line_open(errand->agent, on_line, errand);
	}
	errand->line = line;
	if (line)
		return;
	errand->line_code = err_set(&errand->line_why, -ENOBUFS, "no memory or descriptors");
	loop_set(&errand->agent->loop, &errand->timer, clock_now());
}

/* Whoever asked has gone: nothing else comes from there. */
static void on_reply(struct loop_source *source, uint32_t events)
{
	errand_close(loop_owner(source, struct errand, reply));
}

void errand_open(struct agent *agent, const struct via_request *request, int reply, int theirs)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand) {
		close_fd(reply);
		close_fd(theirs);
		return;
	}
	*errand = (struct errand){.agent = agent,
				  .request = *request,
				  .reply = {.fd = reply, .ready = on_reply},
				  .direct = {.fd = -1, .ready = on_dialling},
				  .theirs = {.fd = theirs, .ready = on_theirs},
				  .held = request->held,
				  .spare = -1,
				  .timer.due = on_time};
	TAILQ_INSERT_TAIL(&agent->errands, errand, link);
	if (loop_watch(&agent->loop, &errand->reply, 0) < 0) {
		errand_close(errand);
		return;
	}
	errand->way =
		ways_of(&agent->options.ways, request->host, request->port, clock_now() / NS_PER_S);
	if (errand->way != WAY_VIA)
		go_direct(errand);
	if (errand->way != WAY_DIRECT)
		go_via(errand);
}
