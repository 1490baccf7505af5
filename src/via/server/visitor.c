/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/clock.h"
#include "via/server/parts.h"

#include <netinet/tcp.h>
#include <string.h>

#define FIRST_PATIENCE (10 * NS_PER_S) /* for TLS to be agreed on, however slowly */
/* For the request: a client may keep lines ready (via/agent/pool.c). From its first byte on it has no longer than the
 * handshake had. */
#define IDLE_PATIENCE  (60 * NS_PER_S)
#define LEAVE_PATIENCE (2 * NS_PER_S)

/* NULL: nobody has to make room. */
static void turn_away(struct stranger *stranger)
{
	struct visitor *visitor = stranger ? loop_owner(stranger, struct visitor, stranger) : NULL;

	if (!visitor)
		return;
	record_turned_away(visitor->server);
	visitor_close(visitor, NULL);
}

static void rise(struct visitor *visitor, enum stranger_rank rank)
{
	struct server *server = visitor->server;

	turn_away(strangers_rose(&server->strangers, &visitor->stranger, rank));
}

static void is_known(struct visitor *visitor)
{
	struct server *server = visitor->server;

	strangers_left(&server->strangers, &visitor->stranger);
	strangers_knew(&server->strangers, &visitor->from, clock_now());
}

void visitor_close(struct visitor *visitor, const char *result)
{
	struct server *server = visitor->server;

	if (result)
		record_write(visitor, result);
	loop_unset(&server->loop, &visitor->timer);
	loop_forget(&server->loop, &visitor->source);
	onward_close(visitor);
	strangers_left(&server->strangers, &visitor->stranger);
	if (visitor->client >= 0)
		server->of_client[visitor->client]--;
	tls_close(visitor->tls);
	close_fd(visitor->source.fd);
	TAILQ_REMOVE(&server->all, visitor, all);
	server->count--;
	free(visitor->wish);
	free(visitor);
}

/* A reply is small, and the first that is sent: it fits, or nobody is there. */
static int reply(struct visitor *visitor)
{
	struct request *request = &visitor->wish->request;
	ssize_t size = (ssize_t)request->out_size, done;

	request->out_size = 0;
	if (size == 0)
		return 0;
	done = visitor->tls ? tls_write(visitor->tls, request->out, (size_t)size)
			    : send(visitor->source.fd, request->out, (size_t)size,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
	return done == size ? 0 : -EPIPE;
}

int visitor_answer(struct visitor *visitor, int code, const struct sockaddr *local)
{
	request_answer(&visitor->wish->request, code, local);
	return reply(visitor);
}

/* Nothing will come of it. What still comes is read, or the kernel would reset the connection and it would not get to read
 * why. */
static void leave(struct visitor *visitor)
{
	struct server *server = visitor->server;
	int err = reply(visitor);

	record_write(visitor, visitor->wish->request.why.text);
	visitor->state = VISITOR_LEAVES;
	if (err == 0 && visitor->tls)
		tls_end(visitor->tls);
	if (err < 0 || shutdown(visitor->source.fd, SHUT_WR) < 0 ||
	    loop_watch(&server->loop, &visitor->source, EPOLLIN) < 0) {
		visitor_close(visitor, NULL);
		return;
	}
	loop_set(&server->loop, &visitor->timer, clock_now() + LEAVE_PATIENCE);
}

void visitor_refuse(struct visitor *visitor, int code)
{
	request_answer(&visitor->wish->request, code, NULL);
	leave(visitor);
}

static void on_leaving(struct visitor *visitor)
{
	uint8_t nothing[4096];
	ssize_t got = recv(visitor->source.fd, nothing, sizeof(nothing), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		visitor_close(visitor, NULL);
}

static int identify(struct visitor *visitor)
{
	const struct clients *clients = visitor->server->options.clients;
	struct request *request = &visitor->wish->request;
	uint8_t key[TLS_KEY_ID_SIZE];
	int client = -ENOENT;

	if (!clients)
		return 0;
	if (visitor->tls && tls_peer_key(visitor->tls, key) == 0)
		client = clients_by_key(clients, key);
	if (client < 0)
		client = clients_by_token(clients, request->token);
	if (client < 0)
		return err_set(&request->why, -EKEYREJECTED,
			       request->token[0] ? "nobody who is known here has this token"
						 : "clients have to say who they are");
	if (visitor->server->of_client[client] >= visitor->server->options.client_limit)
		return err_set(&request->why, -EUSERS,
			       "this client has as many connections as it may");
	visitor->client = client;
	visitor->server->of_client[client]++;
	return 0;
}

static void on_request(struct visitor *visitor)
{
	struct request *request = &visitor->wish->request;
	int code;

	loop_unset(&visitor->server->loop, &visitor->timer);
	memcpy(visitor->host, request->host, sizeof(visitor->host));
	memcpy(visitor->port, request->port, sizeof(visitor->port));
	code = identify(visitor);
	if (code < 0) {
		visitor_refuse(visitor, code);
		return;
	}
	is_known(visitor);
	/* It is not read from until there is somebody to read it; that it is lost will be told. */
	if (loop_watch(&visitor->server->loop, &visitor->source, 0) < 0)
		visitor_close(visitor, "no memory");
	else
		visitor_go_onward(visitor);
}

static ssize_t take(struct visitor *visitor, void *to, size_t size)
{
	ssize_t got = visitor->tls ? tls_read(visitor->tls, to, size)
				   : recv(visitor->source.fd, to, size, MSG_DONTWAIT);

	if (got < 0 && !visitor->tls)
		got = errno == EINTR ? -EAGAIN : -errno;
	return got;
}

static void ask(struct visitor *visitor)
{
	struct wish *wish = visitor->wish;
	enum request_state state = REQUEST_MORE;
	bool began = wish->request.ops != NULL;
	int err = 0;

	while (state == REQUEST_MORE && err == 0) {
		size_t used;
		ssize_t got = take(visitor, wish->in + wish->size, sizeof(wish->in) - wish->size);

		if (got == -EAGAIN)
			break;
		if (got <= 0) {
			visitor_close(visitor, wish->size || began
						       ? "it has gone before it asked for anything"
						       : NULL);
			return;
		}
		wish->size += (size_t)got;
		state = request_read(&wish->request, wish->in, wish->size, &used);
		wish->size -= used;
		memmove(wish->in, wish->in + used, wish->size);
		if (state != REQUEST_REFUSED)
			err = reply(visitor);
	}
	if (err < 0)
		visitor_close(visitor, "it has gone before it asked for anything");
	else if (state == REQUEST_REFUSED)
		leave(visitor);
	else if (state == REQUEST_COMPLETE)
		on_request(visitor);
	else if (!began && wish->request.ops)
		loop_set(&visitor->server->loop, &visitor->timer, clock_now() + FIRST_PATIENCE);
}

static int begin_asking(struct visitor *visitor)
{
	visitor->wish = calloc(1, sizeof(*visitor->wish));
	if (!visitor->wish)
		return -ENOMEM;
	visitor->wish->request.asks = visitor->server->options.clients != NULL;
	visitor->state = VISITOR_ASKS;
	rise(visitor, STRANGER_AGREED);
	return loop_watch(&visitor->server->loop, &visitor->source, EPOLLIN);
}

/* Gone without a byte: nobody. */
static bool has_left(const struct visitor *visitor)
{
	char byte;
	ssize_t got = recv(visitor->source.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void shake(struct visitor *visitor)
{
	struct server *server = visitor->server;
	struct err why = {0};
	int code = 0;

	if (!visitor->tls && has_left(visitor)) {
		visitor_close(visitor, NULL);
		return;
	}
	rise(visitor, STRANGER_SPEAKS);
	if (server->keys && !visitor->tls)
		code = tls_begin(&visitor->tls, server->keys, visitor->source.fd, NULL, NULL);
	if (code == 0 && visitor->tls)
		code = tls_shake(visitor->tls, &why);
	if (code == -EAGAIN) {
		code = loop_watch(&server->loop, &visitor->source,
				  tls_wants_write(visitor->tls) ? EPOLLOUT : EPOLLIN);
		if (code == 0)
			return;
	}
	if (code == 0)
		code = begin_asking(visitor);
	if (code < 0) {
		visitor_close(visitor, why.text[0] ? why.text : strerror(-code));
		return;
	}
	loop_set(&server->loop, &visitor->timer, clock_now() + IDLE_PATIENCE);
	ask(visitor);
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct visitor *visitor = loop_owner(source, struct visitor, source);

	switch (visitor->state) {
	case VISITOR_SHAKES:
		shake(visitor);
		break;
	case VISITOR_ASKS:
		ask(visitor);
		break;
	case VISITOR_LEAVES:
		on_leaving(visitor);
		break;
	case VISITOR_WAITS:
	case VISITOR_DIALS:
		onward_lost(visitor);
		break;
	case VISITOR_CARRIES:
		break;
	}
}

static void on_time(struct loop_timer *timer)
{
	struct visitor *visitor = loop_owner(timer, struct visitor, timer);
	bool asked = visitor->wish && visitor->wish->request.ops;

	if (visitor->state == VISITOR_DIALS)
		onward_go_on(visitor);
	else if (visitor->state == VISITOR_SHAKES || (visitor->state == VISITOR_ASKS && asked))
		visitor_close(visitor, "too slow");
	else
		visitor_close(visitor, NULL);
}

void visitor_open(struct server *server, int fd, const struct sockaddr *from)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));
	const int on = 1;

	if (!visitor) {
		close_fd(fd);
		return;
	}
	*visitor = (struct visitor){.server = server,
				    .source = {.fd = fd, .ready = on_ready},
				    .direction.fd = -1,
				    .timer.due = on_time,
				    .client = -1,
				    .since = clock_now(),
				    .from = address_from_sockaddr(from)};
	TAILQ_INSERT_TAIL(&server->all, visitor, all);
	server->count++;
	turn_away(strangers_came(&server->strangers, &visitor->stranger, &visitor->from,
				 visitor->since));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (loop_watch(&server->loop, &visitor->source, EPOLLIN) < 0)
		visitor_close(visitor, NULL);
	else
		loop_set(&server->loop, &visitor->timer, visitor->since + FIRST_PATIENCE);
}
