/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client's life: request, dialling, flow; or request and refusal. */
#include "attach/proxy/announce.h"
#include "attach/proxy/parts.h"
#include "base/address.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "stack/sockets.h"

#include <netinet/tcp.h>
#include <stdarg.h>
#include <string.h>

/* From its coming, however slowly the bytes drop in. */
#define REQUEST_PATIENCE (10 * NS_PER_S)
#define DIAL_PATIENCE_MS 60000
/* RFC 1928, section 6: at most ten seconds after the refusal. */
#define LEAVE_PATIENCE (2 * NS_PER_S)

struct asking {
	struct request request;
	size_t size; /* bytes of @in; in the end those that are for the other end of the connection */
	uint8_t in[REQUEST_IN_MAX];
};

static void say(const struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct client *client, const char *format, ...)
{
	const struct request *request = client->asking ? &client->asking->request : NULL;
	FILE *log = client->proxy->options.log;
	va_list arguments;

	if (!log)
		return;
	fprintf(log, "rivulet: %s", client->text);
	if (request && request->ops)
		fprintf(log, ", %s", request->ops->name);
	if (request && request->port[0])
		fprintf(log, ", '%s' port %s", request->host, request->port);
	fputs(": ", log);
	va_start(arguments, format);
	vfprintf(log, format, arguments);
	va_end(arguments);
	fputc('\n', log);
}

void client_close(struct client *client)
{
	struct proxy *proxy = client->proxy;
	struct loop *loop = proxy->loop;

	loop_unset(loop, &client->timer);
	loop_forget(loop, &client->source);
	loop_forget(loop, &client->dialling_source);
	if (client->dialling)
		proxy->options.stack->ops->dial_close(client->dialling);
	if (client->state == CLIENT_DIALS && client_has_name(client))
		proxy->lookups--;
	if (client->state == CLIENT_MOVES)
		flow_abort(&client->flow);
	close_fd(client->source.fd);
	proxy_left(proxy, client);
	free(client->asking);
	free(client);
}

/* A reply is small, and the first that the client gets: it fits into an empty buffer, or the client is no one's. */
static int reply(struct client *client)
{
	struct request *request = &client->asking->request;
	ssize_t size = (ssize_t)request->out_size;

	request->out_size = 0;
	if (size == 0)
		return 0;
	return send(client->source.fd, request->out, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
			       size
		       ? 0
		       : -EPIPE;
}

/* The end of a client that is not connected. What it still sends is read, or the kernel would reset the connection and it
 * would not get to read why. */
static void leave(struct client *client)
{
	say(client, "%s", client->asking->request.why.text);
	client->state = CLIENT_LEAVES;
	if (reply(client) < 0 || shutdown(client->source.fd, SHUT_WR) < 0 ||
	    loop_watch(client->proxy->loop, &client->source, EPOLLIN) < 0) {
		client_close(client);
		return;
	}
	loop_set(client->proxy->loop, &client->timer, clock_now() + LEAVE_PATIENCE);
}

static void on_leaving(struct client *client)
{
	uint8_t nothing[4096];
	ssize_t got = recv(client->source.fd, nothing, sizeof(nothing), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		client_close(client);
}

static void fail(struct client *client, int code)
{
	client->proxy->totals.failed++;
	request_answer(&client->asking->request, code, NULL);
	leave(client);
}

/* What it asks for is known. */
static void on_request(struct client *client)
{
	struct asking *asking = client->asking;

	loop_unset(client->proxy->loop, &client->timer);
	if (!client->allowed) {
		err_set(&asking->request.why, -EACCES,
			"this proxy serves only the user who started it (--allow-anyone: all)");
		client->proxy->totals.refused++;
		request_answer(&asking->request, -EACCES, NULL);
		leave(client);
		return;
	}
	/* It is not read from until there is somebody to read it; that it is lost will be told. */
	if (loop_watch(client->proxy->loop, &client->source, 0) < 0) {
		client_close(client);
		return;
	}
	client->state = CLIENT_WAITS;
	proxy_queue(client->proxy, client);
}

/* Reads what was sent up to now; REQUEST_MORE as well if there is nothing yet. */
static int read_request(struct client *client, enum request_state *ret)
{
	struct asking *asking = client->asking;
	size_t used;
	ssize_t got = recv(client->source.fd, asking->in + asking->size,
			   sizeof(asking->in) - asking->size, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	asking->size += (size_t)got;
	*ret = request_read(&asking->request, asking->in, asking->size, &used);
	asking->size -= used;
	memmove(asking->in, asking->in + used, asking->size);
	return 0;
}

static void on_asking(struct client *client)
{
	enum request_state state = REQUEST_MORE;
	int err = read_request(client, &state);

	if (err == 0 && state != REQUEST_REFUSED)
		err = reply(client);
	if (err < 0) {
		say(client, "it has gone before it asked for anything");
		client->proxy->totals.refused++;
		client_close(client);
	} else if (state == REQUEST_REFUSED) {
		client->proxy->totals.refused++;
		leave(client);
	} else if (state == REQUEST_COMPLETE) {
		on_request(client);
	}
}

/* A look-up cannot be called off. It counts until it ends, or clients that come and go could make any number of them. */
static void on_loss(struct client *client)
{
	say(client, "it has gone before it was connected");
	if (client->state == CLIENT_DIALS && client_has_name(client))
		loop_forget(client->proxy->loop, &client->source);
	else
		client_close(client);
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct client *client = loop_owner(source, struct client, source);

	if (client->state == CLIENT_ASKS)
		on_asking(client);
	else if (client->state == CLIENT_LEAVES)
		on_leaving(client);
	else if (events & (EPOLLERR | EPOLLHUP))
		on_loss(client);
}

static void over(struct flow *flow, int code)
{
	struct client *client = loop_owner(flow, struct client, flow);
	uint64_t sent = flow->ends[0].out.moved, received = flow->ends[1].out.moved;
	char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

	client->proxy->totals.sent += sent;
	client->proxy->totals.received += received;
	client->state = CLIENT_LEAVES;
	say(client, "%s after %.1f s: %s sent, %s received", code < 0 ? strerror(-code) : "closed",
	    (double)(clock_now() - client->since) / 1e9, units_bytes_about(sent, a),
	    units_bytes_about(received, b));
	client_close(client);
}

static void set_up(const struct stack_calls *calls, struct stack *stack, int fd)
{
	const int on = 1;

	/* What comes in one piece is passed on in one piece, at once; and somebody who has vanished holds his
	 * place only for so long. */
	calls->set(stack, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	calls->set(stack, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* That a connection is asked by: what a route makes is a socket of the host's kernel. */
static const struct stack_calls *calls_of(const struct stack *stack)
{
	return stack->ops->calls ? stack->ops->calls : &sockets_calls;
}

/* Takes @fd. */
static void connected(struct client *client, int fd)
{
	struct sockaddr_storage local = {0}, remote = {0};
	socklen_t size = sizeof(local), remote_size = sizeof(remote);
	struct stack *stack = client->proxy->options.stack;
	const struct stack_calls *calls = calls_of(stack);
	struct asking *asking = client->asking;
	char text[ADDRESS_TEXT_MAX];
	struct address address;

	set_up(calls, stack, fd);
	calls->name(stack, fd, (struct sockaddr *)&local, &size);
	calls->peer(stack, fd, (struct sockaddr *)&remote, &remote_size);
	address = address_from_sockaddr((struct sockaddr *)&remote);
	say(client, "connected to %s", address_text(&address, text));
	client->proxy->totals.connected++;
	request_answer(&asking->request, 0, (struct sockaddr *)&local);
	if (reply(client) < 0) {
		close_fd(fd);
		client_close(client);
		return;
	}
	loop_forget(client->proxy->loop, &client->source);
	client->flow.over = over;
	client->flow.stack = stack->ops->calls ? stack : NULL;
	client->state = CLIENT_LEAVES; /* if it fails */
	if (flow_open(&client->flow, client->proxy->loop, steal_fd(&client->source.fd), fd,
		      asking->in, asking->size) < 0) {
		client_close(client);
		return;
	}
	client->state = CLIENT_MOVES;
	snprintf(client->text + strlen(client->text), sizeof(client->text) - strlen(client->text),
		 " > %s", asking->request.host);
	free(steal_ptr(client->asking));
}

static void go_on(struct client *client)
{
	const struct stack_ops *ops = client->proxy->options.stack->ops;
	uint64_t wake;
	int code = ops->dial_go_on(client->dialling, &wake, &client->asking->request.why);

	if (code == -EINPROGRESS) {
		loop_set(client->proxy->loop, &client->timer, wake);
		return;
	}
	loop_unset(client->proxy->loop, &client->timer);
	loop_forget(client->proxy->loop, &client->dialling_source);
	ops->dial_close(client->dialling);
	client->dialling = NULL;
	if (client_has_name(client))
		client->proxy->lookups--;
	client->state = CLIENT_WAITS;
	proxy_admit(client->proxy);
	if (code < 0)
		fail(client, code);
	else
		connected(client, code);
}

static void on_dialling(struct loop_source *source, uint32_t events)
{
	go_on(loop_owner(source, struct client, dialling_source));
}

/* Somebody on another machine is not to reach what serves this machine alone. */
static int before(int fd, const struct sockaddr *to, void *data)
{
	const struct address address = address_from_sockaddr(to);
	const struct client *client = data;

	if (!client->local && (address_is_loopback(&address) || address_is_unspecified(&address)))
		return -EACCES;
	if (client->proxy->options.supervisor >= 0)
		announce_socket(client->proxy->options.supervisor, fd);
	return 0;
}

bool client_has_name(const struct client *client)
{
	struct address address;

	return address_parse(client->asking->request.host, &address) < 0;
}

void client_dial(struct client *client)
{
	struct proxy *proxy = client->proxy;
	struct request *request = &client->asking->request;
	const struct stack_dial dial = {.host = request->host,
					.service = request->port,
					.flags = RV_NONBLOCK,
					.timeout_ms = DIAL_PATIENCE_MS,
					.before = before,
					.data = client};
	int code = proxy->options.stack->ops->dial_open(proxy->options.stack, &dial,
							&client->dialling, &request->why);

	if (code < 0) {
		fail(client, code);
		return;
	}
	client->state = CLIENT_DIALS;
	if (client_has_name(client))
		proxy->lookups++;
	client->dialling_source.fd = client->dialling->fd;
	if (loop_watch(proxy->loop, &client->dialling_source, EPOLLIN) < 0)
		client_close(client);
	else
		go_on(client);
}

static void on_time(struct loop_timer *timer)
{
	struct client *client = loop_owner(timer, struct client, timer);

	if (client->state == CLIENT_DIALS) {
		go_on(client);
		return;
	}
	if (client->state == CLIENT_ASKS) {
		say(client, "it has not made a request in time");
		client->proxy->totals.refused++;
	}
	client_close(client);
}

void client_open(struct proxy *proxy, int fd, bool allowed, bool local, const char *text)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client)
		client->asking = calloc(1, sizeof(*client->asking));
	if (!client || !client->asking) {
		free(client);
		close_fd(fd);
		return;
	}
	client->proxy = proxy;
	client->allowed = allowed;
	client->local = local;
	client->since = clock_now();
	client->source = (struct loop_source){.fd = fd, .ready = on_ready};
	client->dialling_source = (struct loop_source){.fd = -1, .ready = on_dialling};
	client->timer.due = on_time;
	snprintf(client->text, sizeof(client->text), "%s", text);
	TAILQ_INSERT_TAIL(&proxy->all, client, all);
	proxy->count++;
	proxy->totals.clients++;
	set_up(&sockets_calls, NULL, fd);
	if (loop_watch(proxy->loop, &client->source, EPOLLIN) < 0) {
		client_close(client);
		return;
	}
	loop_set(proxy->loop, &client->timer, client->since + REQUEST_PATIENCE);
}
