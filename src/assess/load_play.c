/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/load.h"

#include "assess/stream.h"
#include "assess/talk.h"
#include "base/cleanup.h"
#include "base/numbers.h"
#include "lab/random.h"

#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define CLIENTS_MAX 64
/* For the server to write down what it saw: it says so by closing, which a dead link does not tell. */
#define SERVER_TIME          (3 * NS_PER_S)
#define SERVER_TIME_GIVEN_UP (500 * NS_PER_MS)
#define SERVER_LOOK          (10 * NS_PER_MS)
#define CONNECT_TIME         5 /* s for a connection to come about */
#define CONTROL_BLOCK        65536
#define CONTROL_PAUSE        (500 * NS_PER_US) /* shorter ones are not kept */

struct client {
	const struct load *load;
	struct meter *meter;
	uint64_t seed, until;
	pthread_t thread;
};

static int read_start(const char *folder, uint64_t *ret, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" LOAD_START, folder);
	if (numbers_read(path, ret, 1) < 0)
		return err_set(err, -EINVAL, "%s does not say when the cell began", path);
	return 0;
}

/* A connected socket that does not block, the caller's. */
static int dial(const struct load *load)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST},
			*found = NULL;
	_cleanup_close_ int fd = -1;
	const struct timeval patience = {.tv_sec = CONNECT_TIME};
	int code = 0, one = 1;

	if (getaddrinfo(load->address, LOAD_PORT, &hints, &found) != 0)
		return -EINVAL;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    (load->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, load->device,
					(socklen_t)strlen(load->device)) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		code = -errno;
	freeaddrinfo(found);
	if (code == -EINPROGRESS)
		code = -ETIMEDOUT;
	return code < 0 ? code : steal_fd(&fd);
}

static uint64_t draw(struct random *random, const uint32_t bounds[static 2])
{
	return bounds[0] + random_below(random, bounds[1] - bounds[0] + 1);
}

static struct hello make_hello(const struct client *client, struct random *random)
{
	const struct workload *workload = client->load->workload;
	struct hello hello = {
		.magic = HELLO_MAGIC,
		.talk = workload->talk,
		.origin = client->meter->origin,
		.seed = random_next(random),
		.up = workload->up ? TALK_TIMED : 0,
		.down = workload->down ? TALK_TIMED : 0,
	};

	if (workload_is_sized(workload)) {
		hello.up = draw(random, workload->up_bytes);
		hello.down = draw(random, workload->down_bytes);
	}
	return hello;
}

/* Until the server has closed, which it does when it has written down what it saw. False: it did not. While the machine stands still
 * it cannot, so that counts for little. */
static bool await_end(int fd, uint64_t time)
{
	uint64_t last = meter_clock(), waited = 0;
	char byte;

	while (waited < time) {
		int ready = talk_wait(fd, POLLIN, last + SERVER_LOOK);
		uint64_t now = meter_clock();

		if (ready < 0)
			return false;
		if (ready > 0 && recv(fd, &byte, 1, 0) <= 0)
			return true;
		waited += now - last < 2 * SERVER_LOOK ? now - last : 2 * SERVER_LOOK;
		last = now;
	}
	return false;
}

/* Whoever gives up does not wait until what he wrote is delivered, which a dead link does not do. */
static void abandon(int fd)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Says hello. What is timed takes its time from here on, whatever it took to come here. */
static int greet(const struct client *client, int fd, struct hello *hello)
{
	bool sized = workload_is_sized(client->load->workload);

	hello->until = sized ? client->until : meter_now(client->meter) + client->load->duration;
	hello->patience = hello->until + (sized ? TALK_GRACE_SIZED : TALK_GRACE);
	return talk_send(fd, hello, sizeof(*hello), hello->origin + hello->patience);
}

/* One connection. */
static int once(const struct client *client, struct random *random)
{
	bool sized = workload_is_sized(client->load->workload);
	struct hello hello = make_hello(client, random);
	uint64_t before = meter_now(client->meter);
	_cleanup_close_ int fd = dial(client->load);
	int code = fd < 0 ? fd : greet(client, fd, &hello);
	const char *when = code < 0 ? "connecting" : "in the middle";

	if (code == 0)
		code = talk(fd, &hello, true, client->meter);
	if ((code == 0 || code == -ETIMEDOUT) && sized)
		meter_delay(client->meter, meter_now(client->meter) - before);
	if ((code == 0 || (code == -ETIMEDOUT && fd >= 0)) &&
	    !await_end(fd, code == 0 ? SERVER_TIME : SERVER_TIME_GIVEN_UP))
		abandon(fd);
	meter_over(client->meter, code, when);
	return code;
}

static void *play(void *data)
{
	struct client *client = data;
	struct random random = {client->seed};
	int code;

	do
		code = once(client, &random);
	while (code == 0 && workload_is_sized(client->load->workload) &&
	       meter_now(client->meter) < client->until);
	return NULL;
}

static void *compute(void *data)
{
	struct client *client = data;
	static uint8_t block[CONTROL_BLOCK];
	uint64_t now = meter_now(client->meter), after;

	for (uint64_t offset = 0; now < client->until; now = after) {
		stream_pattern(client->seed, offset, block, sizeof(block));
		offset += sizeof(block);
		after = meter_now(client->meter);
		meter_received(client->meter, sizeof(block));
		if (after - now > CONTROL_PAUSE)
			meter_delay(client->meter, after - now);
	}
	return NULL;
}

static int write_result(const struct load *load, struct meter *meter, struct err *err)
{
	json_t *root = meter_describe(meter);
	char path[PATH_MAX];
	int code;

	snprintf(path, sizeof(path), "%s/" LOAD_CLIENT, load->folder);
	code = root ? json_dump_file(root, path, JSON_COMPACT) : -1;
	json_decref(root);
	return code < 0 ? err_set(err, -EIO, "%s cannot be written", path) : 0;
}

int load_play(const struct load *load, struct err *err)
{
	unsigned count = load->workload->clients, started = 0;
	struct client clients[CLIENTS_MAX];
	struct meter meter;
	uint64_t origin = 0;
	int code = read_start(load->folder, &origin, err);

	if (code < 0)
		return code;
	meter_init(&meter, origin);
	for (; started < count && started < CLIENTS_MAX; started++) {
		struct client *client = &clients[started];

		*client = (struct client){.load = load,
					  .meter = &meter,
					  .seed = load->seed + started,
					  .until = meter_now(&meter) + load->duration};
		code = -pthread_create(&client->thread, NULL,
				       load->workload->talk == TALK_NONE ? compute : play, client);
		if (code < 0)
			break;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(clients[i].thread, NULL);
	code = code < 0 ? err_set(err, code, "no thread: %s", strerror(-code))
			: write_result(load, &meter, err);
	meter_free(&meter);
	return code;
}
