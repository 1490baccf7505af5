/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who comes in, whom there is room for, and the end. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "base/signals.h"
#include "via/server/parts.h"

#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>

#define ACCEPTS_IN_TURN 64
#define BACKLOG         4096
#define PAUSE           (NS_PER_S / 10)
#define SPARE_FDS       (64 + 6 * LOOKUPS_MAX) /* ours, and of look-ups */
#define VISITOR_FDS     6 /* both connections and a pipe each way, or one and what a dialling needs */

static void watch_doors(struct server *server, uint32_t events)
{
	for (unsigned i = 0; i < server->door_count; i++)
		loop_watch(&server->loop, &server->doors[i].source, events);
}

static void on_resume(struct loop_timer *timer)
{
	struct server *server = loop_owner(timer, struct server, resume);

	if (server->count < server->options.limit)
		watch_doors(server, EPOLLIN);
	else
		loop_set(&server->loop, timer, clock_now() + PAUSE);
}

static void pause_doors(struct server *server)
{
	watch_doors(server, 0);
	loop_set(&server->loop, &server->resume, clock_now() + PAUSE);
}

static void on_door(struct loop_source *source, uint32_t events)
{
	struct server *server = loop_owner(source, struct server_door, source)->server;

	for (unsigned i = 0; i < ACCEPTS_IN_TURN; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int fd = accept4(source->fd, (struct sockaddr *)&from, &size,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 &&
		    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
			pause_doors(server);
		if (fd < 0)
			return;
		visitor_open(server, fd, (struct sockaddr *)&from);
		if (server->count >= server->options.limit) {
			pause_doors(server);
			return;
		}
	}
}

/* -- what holds from now on ------------------------------------------------------------------------------------------- */

static int open_keys(const struct server_options *options, struct tls_keys **ret, struct err *err)
{
	const struct tls_setup tls = {.certificate = options->certificate,
				      .key = options->key,
				      .serves = true,
				      .asks = options->clients != NULL};

	*ret = NULL;
	return options->plain ? 0 : tls_keys_open(ret, &tls, err);
}

/* Of each of @clients, connections: none so far. */
static unsigned *count_for(const struct clients *clients)
{
	return calloc(clients ? clients_count(clients) + 1 : 1, sizeof(unsigned));
}

/* Those who were known, and are not any more, are cut off; others get their new numbers. */
static void recognise(struct server *server, const struct clients *clients, unsigned *of_client)
{
	struct visitor *visitor, *next;

	for (visitor = TAILQ_FIRST(&server->all); visitor; visitor = next) {
		int number = -1;

		next = TAILQ_NEXT(visitor, all);
		if (visitor->client >= 0 && clients)
			number = clients_again(clients, server->options.clients, visitor->client);
		if (visitor->client >= 0 && clients && number < 0) {
			visitor_close(visitor, "it is not known any more");
			continue;
		}
		visitor->client = number;
		if (number >= 0)
			of_client[number]++;
	}
}

static void adopt(struct server *server, const struct server_options *fresh, struct tls_keys *keys,
		  unsigned *of_client)
{
	unsigned limit = server->options.limit; /* as far as there are descriptors */

	recognise(server, fresh->clients, of_client);
	clients_free(server->options.clients);
	tls_keys_close(server->keys);
	free(server->of_client);
	server->options = *fresh;
	server->options.limit = limit;
	server->keys = keys;
	server->of_client = of_client;
	onward_admit(
		server); /* what was looked up for those who are not known any more is not waited for */
}

/* All of it, or nothing. */
static void renew(struct server *server)
{
	struct server_options fresh = server->options;
	struct tls_keys *keys = NULL;
	unsigned *of_client = NULL;
	struct err err = {0};
	int code;

	fresh.clients = NULL;
	code = fresh.renew(&fresh, fresh.data, &err);
	if (code == 0)
		code = open_keys(&fresh, &keys, &err);
	if (code == 0) {
		of_client = count_for(fresh.clients);
		if (!of_client)
			err_set(&err, -ENOMEM, "out of memory");
	}
	if (of_client) {
		adopt(server, &fresh, keys, of_client);
		return;
	}
	fprintf(stderr, "rivulet: nothing is changed: %s\n", err.text);
	clients_free(fresh.clients);
	tls_keys_close(keys);
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct server *server = loop_owner(source, struct server, signals);
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	/* The kernel's is that of a terminal that has gone (sigaction(2), si_code). */
	if (info.ssi_signo == SIGHUP && info.ssi_code <= 0 && server->options.renew)
		renew(server);
	else if (!signal_is_ignored((int)info.ssi_signo))
		loop_stop(&server->loop);
}

/* -- the beginning ---------------------------------------------------------------------------------------------------- */

void server_signals(sigset_t *ret)
{
	sigemptyset(ret);
	signals_add_ends(ret);
	sigaddset(ret, SIGHUP); /* even if it was started to ignore that of its terminal */
}

static int watch_signals(struct server *server)
{
	sigset_t told;

	server_signals(&told);
	server->signals.ready = on_signal;
	server->signals.fd = signalfd(-1, &told, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals.fd < 0 ? -errno
				      : loop_watch(&server->loop, &server->signals, EPOLLIN);
}

static int parse_place(const char *where, char host[static ADDRESS_TEXT_MAX], const char **ret_port)
{
	const char *colon = strrchr(where, ':');
	size_t size = colon ? (size_t)(colon - where) : 0;
	struct address address;

	if (!colon || !colon[1])
		return -EINVAL;
	*ret_port = colon + 1;
	if (size > 2 && where[0] == '[' && where[size - 1] == ']')
		where++, size -= 2;
	else if (memchr(where, ':', size))
		return -EINVAL;
	if (size >= ADDRESS_TEXT_MAX)
		return -EINVAL;
	memcpy(host, where, size);
	host[size] = '\0';
	return size == 0 || (!strchr(host, '/') && address_parse(host, &address) == 0) ? 0
										       : -EINVAL;
}

static int parse_door(const char *where, char host[static ADDRESS_TEXT_MAX], const char **ret_port,
		      struct err *err)
{
	if (parse_place(where, host, ret_port) == 0)
		return 0;
	return err_set(err, -EINVAL,
		       "'%s' is no place to listen at: :7443, 192.0.2.1:7443 or [2001:db8::1]:7443",
		       where);
}

int server_check_door(const char *where, struct err *err)
{
	char host[ADDRESS_TEXT_MAX];
	const char *port;

	return parse_door(where, host, &port, err);
}

static int open_door(struct server *server, const char *where, struct err *err)
{
	struct stack *stack = server->options.in;
	struct server_door *door = &server->doors[server->door_count];
	struct stack_listen how = {.flags = RV_NONBLOCK, .backlog = BACKLOG};
	struct sockaddr_storage sa = {0};
	socklen_t size = sizeof(sa);
	char host[ADDRESS_TEXT_MAX] = "";
	int fd = parse_door(where, host, &how.service, err);

	if (fd < 0)
		return fd;
	how.host = host[0] ? host : NULL;
	fd = stack->ops->listen(stack, &how, err);
	if (fd < 0)
		return fd;
	server->door_count++;
	*door = (struct server_door){server, {.fd = fd, .ready = on_door}, ""};
	getsockname(fd, (struct sockaddr *)&sa, &size);
	address_port_text((struct sockaddr *)&sa, door->text);
	return loop_watch(&server->loop, &door->source, EPOLLIN);
}

static int set_up(struct server *server, struct err *err)
{
	const struct server_options *options = &server->options;
	int code = loop_open(&server->loop);
	uint64_t key;

	if (code == 0)
		code = watch_signals(server);
	if (code < 0)
		return err_set(err, code, "cannot begin to serve: %s", strerror(-code));
	code = open_keys(options, &server->keys, err);
	if (code < 0)
		return code;
	server->of_client = count_for(options->clients);
	if (!server->of_client)
		return err_set(err, -ENOMEM, "out of memory");
	server->options.limit = fds_room(server->options.limit, VISITOR_FDS, SPARE_FDS);
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		key = (uintptr_t)server; /* as good as that there is none */
	strangers_open(&server->strangers, server->options.limit, key);
	for (unsigned i = 0; i < options->listen_count && code == 0; i++)
		code = open_door(server, options->listen[i], err);
	return code;
}

int server_open(struct server **ret, const struct server_options *options, struct err *err)
{
	struct server *server = calloc(1, sizeof(*server));
	int code;

	if (!server) {
		clients_free(options->clients);
		return err_set(err, -ENOMEM, "out of memory");
	}
	server->options = *options;
	server->loop.epoll = -1;
	server->signals.fd = -1;
	server->resume.due = on_resume;
	TAILQ_INIT(&server->all);
	TAILQ_INIT(&server->waiting);
	code = set_up(server, err);
	if (code < 0)
		server_close(server);
	else
		*ret = server;
	return code;
}

void server_close(struct server *server)
{
	while (!TAILQ_EMPTY(&server->all))
		visitor_close(TAILQ_FIRST(&server->all), "the relay ends");
	for (unsigned i = 0; i < server->door_count; i++)
		close_fd(server->doors[i].source.fd);
	close_fd(server->signals.fd);
	tls_keys_close(server->keys);
	loop_close(&server->loop);
	free(server->of_client);
	clients_free(server->options.clients);
	free(server);
}

const char *server_door(const struct server *server, unsigned number)
{
	return number < server->door_count ? server->doors[number].text : NULL;
}

int server_run(struct server *server)
{
	return loop_run(&server->loop);
}
