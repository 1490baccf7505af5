/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/clock.h"
#include "via/server/parts.h"

#include <netinet/tcp.h>
#include <string.h>

#define DIAL_PATIENCE_MS 60000

static bool has_name(const struct visitor *visitor)
{
	struct address address;

	return address_parse(visitor->host, &address) < 0;
}

static void end_dialling(struct visitor *visitor)
{
	struct server *server = visitor->server;

	loop_forget(&server->loop, &visitor->direction);
	server->options.out->ops->dial_close(steal_ptr(visitor->dialling));
	if (has_name(visitor))
		server->lookups--;
}

void onward_close(struct visitor *visitor)
{
	struct server *server = visitor->server;

	if (visitor->waiting)
		TAILQ_REMOVE(&server->waiting, visitor, queue);
	visitor->waiting = false;
	if (visitor->dialling)
		end_dialling(visitor);
	if (visitor->state == VISITOR_CARRIES)
		carriage_abort(&visitor->carriage);
}

static void over(struct carriage *carriage, int code)
{
	struct visitor *visitor = loop_owner(carriage, struct visitor, carriage);

	visitor->state = VISITOR_LEAVES;
	visitor_close(visitor, code < 0 ? strerror(-code) : "closed");
}

/* Takes @fd. */
static void connected(struct visitor *visitor, int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);
	struct wish *wish = visitor->wish;
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	getsockname(fd, (struct sockaddr *)&local, &size);
	if (visitor_answer(visitor, 0, (struct sockaddr *)&local) < 0) {
		close_fd(fd);
		visitor_close(visitor, "it has gone before it was connected");
		return;
	}
	loop_forget(&visitor->server->loop, &visitor->source);
	visitor->carriage.over = over;
	visitor->state = VISITOR_LEAVES; /* if it fails */
	if (carriage_open(&visitor->carriage, &visitor->server->loop, NULL,
			  steal_fd(&visitor->source.fd), steal_ptr(visitor->tls), fd, wish->in,
			  wish->size) < 0) {
		visitor_close(visitor, "no memory");
		return;
	}
	visitor->state = VISITOR_CARRIES;
	free(steal_ptr(visitor->wish));
}

static void go_on(struct visitor *visitor)
{
	struct server *server = visitor->server;
	uint64_t wake;
	int code = server->options.out->ops->dial_go_on(visitor->dialling, &wake,
							&visitor->wish->request.why);

	if (code == -EINPROGRESS) {
		loop_set(&server->loop, &visitor->timer, wake);
		return;
	}
	loop_unset(&server->loop, &visitor->timer);
	end_dialling(visitor);
	if (!visitor->source.watched) {
		close_fd(code);
		visitor_close(visitor, "it has gone before it was connected");
	} else if (code < 0) {
		visitor_refuse(visitor, code);
	} else {
		connected(visitor, code);
	}
	onward_admit(server);
}

static void on_direction(struct loop_source *source, uint32_t events)
{
	go_on(loop_owner(source, struct visitor, direction));
}

void onward_go_on(struct visitor *visitor)
{
	go_on(visitor);
}

/* A look-up cannot be called off: it counts until it ends. */
void onward_lost(struct visitor *visitor)
{
	if (visitor->state == VISITOR_DIALS && has_name(visitor))
		loop_forget(&visitor->server->loop, &visitor->source);
	else
		visitor_close(visitor, "it has gone before it was connected");
}

/* Is it of this machine? What goes there would come from there. */
static bool is_here(const struct sockaddr *to, socklen_t size)
{
	_cleanup_close_ int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage from = {0};
	socklen_t from_size = sizeof(from);
	struct address here, there = address_from_sockaddr(to);

	if (fd < 0 || connect(fd, to, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &from_size) < 0)
		return false;
	here = address_from_sockaddr((const struct sockaddr *)&from);
	return address_equal(&here, &there);
}

static int before(int fd, const struct sockaddr *to, void *data)
{
	struct visitor *visitor = data;
	socklen_t size = to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						   : sizeof(struct sockaddr_in);

	memcpy(&visitor->to, to, size);
	return reach_allows(&visitor->server->options.reach, to, is_here(to, size)) ? 0 : -EACCES;
}

static void dial(struct visitor *visitor)
{
	struct server *server = visitor->server;
	const struct stack_dial how = {.host = visitor->host,
				       .service = visitor->port,
				       .flags = RV_NONBLOCK,
				       .timeout_ms = DIAL_PATIENCE_MS,
				       .before = before,
				       .data = visitor};
	int code = server->options.out->ops->dial_open(
		server->options.out, &how, &visitor->dialling, &visitor->wish->request.why);

	visitor->state = VISITOR_DIALS;
	if (code < 0) {
		visitor_refuse(visitor, code);
		return;
	}
	if (has_name(visitor))
		server->lookups++;
	visitor->direction =
		(struct loop_source){.fd = visitor->dialling->fd, .ready = on_direction};
	if (loop_watch(&server->loop, &visitor->direction, EPOLLIN) < 0)
		visitor_close(visitor, "no memory");
	else
		go_on(visitor);
}

void visitor_go_onward(struct visitor *visitor)
{
	struct server *server = visitor->server;

	if (!has_name(visitor) || server->lookups < LOOKUPS_MAX) {
		dial(visitor);
		return;
	}
	visitor->state = VISITOR_WAITS;
	visitor->waiting = true;
	TAILQ_INSERT_TAIL(&server->waiting, visitor, queue);
}

/* As many as there is room for: of one that fails at once nobody will hear that it has ended. */
void onward_admit(struct server *server)
{
	struct visitor *visitor;

	while (server->lookups < LOOKUPS_MAX && (visitor = TAILQ_FIRST(&server->waiting))) {
		TAILQ_REMOVE(&server->waiting, visitor, queue);
		visitor->waiting = false;
		dial(visitor);
	}
}
