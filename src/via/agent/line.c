/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/clock.h"
#include "via/agent/agent.h"

#include <netinet/tcp.h>
#include <string.h>

#define DIAL_PATIENCE_MS 30000
#define SHAKE_PATIENCE   (15 * NS_PER_S)
#define ASK_PATIENCE     (75 * NS_PER_S) /* the relay gives up after 60 */

void line_close(struct line *line)
{
	struct agent *agent = line->agent;

	loop_unset(&agent->loop, &line->timer);
	loop_forget(&agent->loop, &line->source);
	if (line->dialling)
		agent->stack->ops->dial_close(line->dialling);
	else
		close_fd(line->source.fd);
	tls_close(line->tls);
	free(line->in);
	free(line);
}

static void lose(struct line *line, int code)
{
	loop_unset(&line->agent->loop, &line->timer);
	loop_forget(&line->agent->loop, &line->source);
	line->over(line, code);
}

static void shake(struct line *line)
{
	int code = line->tls ? tls_shake(line->tls, &line->why) : 0;

	if (code == -EAGAIN) {
		code = loop_watch(&line->agent->loop, &line->source,
				  tls_wants_write(line->tls) ? EPOLLOUT : EPOLLIN);
		if (code == 0)
			return;
	}
	if (code < 0) {
		lose(line, code);
		return;
	}
	loop_unset(&line->agent->loop, &line->timer);
	line->state = LINE_READY;
	/* What comes before it is asked for anything can only be its end. */
	code = loop_watch(&line->agent->loop, &line->source, EPOLLIN);
	if (code < 0)
		lose(line, code);
	else
		line->over(line, 0);
}

/* Takes @fd, which is connected to the relay. */
static void begin(struct line *line, int fd)
{
	const struct join *relay = &line->agent->options.relay;
	const int on = 1;
	int code = 0;

	line->source.fd = fd;
	line->state = LINE_SHAKES;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (line->agent->keys)
		code = tls_begin(&line->tls, line->agent->keys, fd, relay->host,
				 relay->pinned ? relay->pin : NULL);
	if (code < 0) {
		lose(line, code);
		return;
	}
	loop_set(&line->agent->loop, &line->timer, clock_now() + SHAKE_PATIENCE);
	shake(line);
}

static void dial(struct line *line)
{
	const struct stack_ops *ops = line->agent->stack->ops;
	uint64_t wake;
	int code = ops->dial_go_on(line->dialling, &wake, &line->why);

	if (code == -EINPROGRESS) {
		loop_set(&line->agent->loop, &line->timer, wake);
		return;
	}
	loop_unset(&line->agent->loop, &line->timer);
	loop_forget(&line->agent->loop, &line->source);
	ops->dial_close(line->dialling);
	line->dialling = NULL;
	line->source.fd = -1;
	if (code < 0)
		line->over(line, code);
	else
		begin(line, code);
}

/* -EAGAIN: not all of it. */
static int send_ask(struct line *line)
{
	while (line->asked < line->ask_size) {
		const char *from = line->ask + line->asked;
		size_t left = line->ask_size - line->asked;
		ssize_t done =
			line->tls ? tls_write(line->tls, from, left)
				  : send(line->source.fd, from, left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && !line->tls)
			done = errno == EINTR ? -EAGAIN : -errno;
		if (done < 0)
			return (int)done;
		line->asked += (size_t)done;
	}
	return line->tls ? tls_flush(line->tls) : 0;
}

/* In plain what is not the reply's is left where it is, for whom the descriptor is given to. */
static ssize_t read_plain(struct line *line)
{
	uint8_t *to = line->in + line->in_size;
	ssize_t got = recv(line->source.fd, to, EXCHANGE_REPLY_MAX - line->in_size,
			   MSG_DONTWAIT | MSG_PEEK);
	size_t used;

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (got == 0)
		return 0;
	if (exchange_reply(line->in, line->in_size + (size_t)got, &used, NULL) == 0)
		got = (ssize_t)(used - line->in_size);
	return recv(line->source.fd, to, (size_t)got, MSG_DONTWAIT);
}

static int read_reply(struct line *line)
{
	int code = -EAGAIN;

	while (code == -EAGAIN) {
		ssize_t got = line->tls ? tls_read(line->tls, line->in + line->in_size,
						   EXCHANGE_REPLY_MAX - line->in_size)
					: read_plain(line);

		if (got == 0)
			return err_set(&line->why, -ECONNRESET, "the relay closes the connection");
		if (got < 0)
			return got == -EAGAIN ? -EAGAIN
					      : err_set(&line->why, (int)got,
							"the relay's connection breaks: %s",
							strerror((int)-got));
		line->in_size += (size_t)got;
		code = exchange_reply(line->in, line->in_size, &line->in_used, &line->why);
	}
	line->answered = true;
	return code;
}

static void ask(struct line *line)
{
	int code = send_ask(line);
	bool sent = code == 0;

	if (sent)
		code = read_reply(line);
	if (code == -EAGAIN) {
		code = loop_watch(&line->agent->loop, &line->source, sent ? EPOLLIN : EPOLLOUT);
		if (code == 0)
			return;
	}
	if (code < 0 && !line->why.text[0])
		err_set(&line->why, code, "the relay's connection breaks: %s", strerror(-code));
	loop_unset(&line->agent->loop, &line->timer);
	loop_forget(&line->agent->loop, &line->source);
	line->state = LINE_DONE;
	line->over(line, code);
}

void line_ask(struct line *line, const char *host, const char *port)
{
	line->was_ready = true;
	line->state = LINE_ASKS;
	line->ask_size = exchange_ask(host, port, line->agent->options.relay.token, line->ask);
	line->in = malloc(EXCHANGE_REPLY_MAX);
	loop_set(&line->agent->loop, &line->timer, clock_now() + ASK_PATIENCE);
	/* In its turn: never over before this returns. */
	if (!line->in || loop_watch(&line->agent->loop, &line->source, EPOLLOUT) < 0)
		loop_set(&line->agent->loop, &line->timer, clock_now());
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct line *line = loop_owner(source, struct line, source);
	char bytes[64];
	ssize_t got;

	switch (line->state) {
	case LINE_DIALS:
		dial(line);
		break;
	case LINE_SHAKES:
		shake(line);
		break;
	case LINE_READY:
		/* A session's tickets and keys are not bytes, and read on the way. */
		got = line->tls ? tls_read(line->tls, bytes, sizeof(bytes))
				: recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got != -EAGAIN && !(got < 0 && !line->tls && errno == EAGAIN))
			lose(line, -ECONNRESET);
		break;
	case LINE_ASKS:
		ask(line);
		break;
	case LINE_DONE:
		break;
	}
}

static void on_time(struct loop_timer *timer)
{
	struct line *line = loop_owner(timer, struct line, timer);

	if (line->state == LINE_DIALS)
		dial(line);
	else
		lose(line, err_set(&line->why, -ETIMEDOUT, "the relay does not reply"));
}

struct line *line_open(struct agent *agent, void (*over)(struct line *line, int code), void *data)
{
	const struct join *relay = &agent->options.relay;
	const struct stack_dial how = {.host = relay->host,
				       .service = relay->port,
				       .flags = RV_NONBLOCK,
				       .timeout_ms = DIAL_PATIENCE_MS,
				       .before = agent_announce,
				       .data = agent};
	struct line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	*line = (struct line){.agent = agent,
			      .source = {.fd = -1, .ready = on_ready},
			      .timer.due = on_time,
			      .over = over,
			      .data = data};
	if (agent->stack->ops->dial_open(agent->stack, &how, &line->dialling, &line->why) < 0) {
		free(line);
		return NULL;
	}
	line->source.fd = line->dialling->fd;
	/* The first step is made by the timer: what is over at once is over later. */
	loop_set(&agent->loop, &line->timer, clock_now());
	if (loop_watch(&agent->loop, &line->source, EPOLLIN) < 0) {
		line_close(line);
		return NULL;
	}
	return line;
}
