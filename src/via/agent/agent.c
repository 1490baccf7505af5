/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "via/agent/agent.h"

#include "attach/proxy/announce.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fds.h"
#include "via/memory.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>

#define ACCEPTS_IN_TURN 64
#define STAGGER         (250 * NS_PER_MS) /* RFC 8305, section 8 */
#define LOOK            (NS_PER_S / 2)
#define PATIENCE        (10 * NS_PER_S) /* with bytes that nobody takes, when all programs have ended */

int agent_announce(int fd, const struct sockaddr *to, void *data)
{
	const struct agent *agent = data;

	if (agent->announce >= 0)
		announce_socket(agent->announce, fd);
	return 0;
}

/* The same end of a connection, whether or not it is told as an IPv4 one that is mapped. */
static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct address one = address_from_sockaddr((const struct sockaddr *)a),
			     two = address_from_sockaddr((const struct sockaddr *)b);

	return one.family && address_equal(&one, &two) &&
	       address_port((const struct sockaddr *)a) == address_port((const struct sockaddr *)b);
}

/* The descriptor, which is the caller's now. */
static int remove_arrival(struct agent *agent, unsigned index)
{
	int fd = agent->arrivals[index].fd;

	agent->arrival_count--;
	memmove(agent->arrivals + index, agent->arrivals + index + 1,
		(agent->arrival_count - index) * sizeof(agent->arrivals[0]));
	return fd;
}

static void on_strangers(struct loop_timer *timer)
{
	struct agent *agent = loop_owner(timer, struct agent, strangers);
	uint64_t now = clock_now();

	while (agent->arrival_count > 0 && agent->arrivals[0].until <= now)
		close_fd(remove_arrival(agent, 0));
	if (agent->arrival_count > 0)
		loop_set(&agent->loop, timer, agent->arrivals[0].until);
}

static void take_in(struct agent *agent, int fd, const struct sockaddr_storage *from)
{
	const uint64_t until = clock_now() + ARRIVAL_PATIENCE;
	const int on = 1;
	struct errand *errand;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	TAILQ_FOREACH(errand, &agent->errands, link)
	if (is_same(&errand->request.from, from)) {
		errand_join(errand, fd);
		return;
	}
	if (agent->arrival_count == ARRIVALS_MAX)
		close_fd(remove_arrival(agent, 0));
	agent->arrivals[agent->arrival_count++] = (struct arrival){fd, *from, until};
	if (!agent->strangers.set)
		loop_set(&agent->loop, &agent->strangers, until);
}

static int claim(struct agent *agent, const struct sockaddr_storage *from)
{
	for (unsigned i = 0; i < agent->arrival_count; i++)
		if (is_same(&agent->arrivals[i].from, from))
			return remove_arrival(agent, i);
	return -1;
}

/* It ends with the last byte that is on its way, or that nobody takes. */
static void on_look(struct loop_timer *timer)
{
	struct agent *agent = loop_owner(timer, struct agent, last_look);
	uint64_t moved = transfers_moved(agent), now = clock_now();

	if (moved != agent->moved || !agent->moved_at)
		agent->moved_at = now;
	agent->moved = moved;
	if (TAILQ_EMPTY(&agent->transfers) || now - agent->moved_at > PATIENCE)
		loop_stop(&agent->loop);
	else
		loop_set(&agent->loop, timer, now + LOOK);
}

static void close_doors(struct agent *agent)
{
	for (unsigned i = 0; i < DOORS; i++) {
		loop_forget(&agent->loop, &agent->doors[i].source);
		agent->doors[i].source.fd = close_fd(agent->doors[i].source.fd);
	}
	loop_unset(&agent->loop, &agent->strangers);
	while (agent->arrival_count > 0)
		close_fd(remove_arrival(agent, agent->arrival_count - 1));
}

static void hush(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	close_fd(null);
}

static void desert(struct agent *agent)
{
	hush();
	agent->deserted = true;
	memory_save(&agent->options.ways);
	loop_forget(&agent->loop, &agent->requests);
	close_doors(agent);
	pool_close(agent);
	while (!TAILQ_EMPTY(&agent->errands))
		errand_close(TAILQ_FIRST(&agent->errands));
	loop_set(&agent->loop, &agent->last_look, clock_now());
}

/* False: there is none now. */
static bool take_request(struct agent *agent)
{
	struct via_request request;
	int reply, code = wire_receive(agent->requests.fd, &request, sizeof(request), &reply);

	if (code == -EAGAIN)
		return false;
	if (code < 0) {
		desert(agent);
		return false;
	}
	if (!request.host[0]) {
		hush();
		close_fd(reply);
		return true;
	}
	request.host[sizeof(request.host) - 1] = request.port[sizeof(request.port) - 1] = '\0';
	errand_open(agent, &request, reply, claim(agent, &request.from));
	return true;
}

static void on_request(struct loop_source *source, uint32_t events)
{
	take_request(loop_owner(source, struct agent, requests));
}

/* Who comes is asked for at once: all requests are heard first, so that nobody whose request lies there is taken for a stranger. */
static void on_door(struct loop_source *source, uint32_t events)
{
	struct agent *agent = loop_owner(source, struct agent_door, source)->agent;

	while (take_request(agent))
		continue;
	for (unsigned i = 0; i < ACCEPTS_IN_TURN && source->fd >= 0; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		int fd = accept4(source->fd, (struct sockaddr *)&from, &size,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		take_in(agent, fd, &from);
	}
}

static int set_up(struct agent *agent)
{
	const struct stack_options how = {.stagger = STAGGER};
	const struct via_options *options = &agent->options;
	const struct join *relay = &options->relay;
	const struct tls_setup ours = {.certificate = options->key[0] ? options->certificate : NULL,
				       .key = options->key[0] ? options->key : NULL};
	struct err err = {0};
	int code = loop_open(&agent->loop);

	if (code == 0)
		code = options->stack->open(&how, &agent->stack, &err);
	if (code == 0 && !relay->plain)
		code = tls_keys_open(&agent->keys, &ours, &err);
	for (unsigned i = 0; i < DOORS && code == 0; i++)
		if (agent->doors[i].source.fd >= 0)
			code = loop_watch(&agent->loop, &agent->doors[i].source, EPOLLIN);
	if (code == 0)
		code = loop_watch(&agent->loop, &agent->requests, EPOLLIN);
	if (code < 0)
		fprintf(stderr, "rivulet: no way by the relay: %s\n",
			err.text[0] ? err.text : strerror(-code));
	return code;
}

int agent_main(const struct via_options *options, int requests, const int doors[static DOORS],
	       int announce)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int code;

	if (!agent)
		return 1;
	agent->options = *options;
	agent->announce = announce;
	agent->requests = (struct loop_source){.fd = requests, .ready = on_request};
	for (unsigned i = 0; i < DOORS; i++)
		agent->doors[i] = (struct agent_door){agent, {.fd = doors[i], .ready = on_door}};
	agent->strangers.due = on_strangers;
	agent->last_look.due = on_look;
	TAILQ_INIT(&agent->errands);
	TAILQ_INIT(&agent->transfers);
	fds_raise_limit();
	signal(SIGPIPE, SIG_IGN); /* splice(2) cannot be told not to */
	memory_load(&agent->options.ways);
	code = set_up(agent);
	if (code == 0) {
		pool_open(agent);
		code = loop_run(&agent->loop);
		if (!agent->deserted)
			desert(agent);
		transfers_close(agent);
		agent->stack->ops->close(agent->stack);
	}
	tls_keys_close(agent->keys);
	loop_close(&agent->loop);
	free(agent);
	return code < 0;
}
