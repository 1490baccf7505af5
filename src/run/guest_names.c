/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The side inside of guest_names.h. */
#include "run/guest_names.h"

#include "base/cleanup.h"
#include "run/names_wire.h"

#include <string.h>

static int listen_at(const struct address *server, int type)
{
	struct sockaddr_storage at;
	socklen_t size = names_address(server, &at);
	_cleanup_close_ int fd = socket(server->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 ||
	    (type == SOCK_STREAM && listen(fd, GUEST_STREAMS_MAX) < 0))
		return -1;
	return steal_fd(&fd);
}

static void add_server(struct guest_names *names, const struct address *server)
{
	int fd = listen_at(server, SOCK_DGRAM);

	if (fd < 0)
		return;
	names->addresses[names->server_count] = *server;
	names->doors[names->server_count] = listen_at(server, SOCK_STREAM);
	names->servers[names->server_count++] = fd;
}

void guest_names_open(struct guest_names *names)
{
	_cleanup_fclose_ FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], text[ADDRESS_TEXT_MAX];
	struct address server;

	while (file && names->server_count < GUEST_SERVERS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, "nameserver %49s", text) == 1 &&
		    address_parse(text, &server) == 0 && address_is_loopback(&server))
			add_server(names, &server);
}

enum { DOORS = GUEST_SERVERS_MAX, STREAMS = 2 * GUEST_SERVERS_MAX };

void guest_names_poll(const struct guest_names *names, struct pollfd *fds)
{
	for (unsigned i = 0; i < GUEST_SERVERS_MAX; i++) {
		bool is = i < names->server_count;

		fds[i] = (struct pollfd){.fd = is ? names->servers[i] : -1, .events = POLLIN};
		fds[DOORS + i] = (struct pollfd){.fd = is ? names->doors[i] : -1, .events = POLLIN};
	}
	for (unsigned i = 0; i < GUEST_STREAMS_MAX; i++)
		fds[STREAMS + i] =
			(struct pollfd){.fd = names->streams[i].fd > 0 ? names->streams[i].fd : -1,
					.events = POLLIN};
}

static void hand_on(struct guest_names *names, unsigned server, struct guest_stream *stream,
		    const struct sockaddr_storage *from, socklen_t from_size, const void *data,
		    size_t size, const struct guest_line *line)
{
	struct guest_question question = {.number = ++names->number,
					  .stream = stream != NULL,
					  .server = names->addresses[server]};
	unsigned at = question.number % GUEST_QUESTIONS_MAX;

	names->asked[at].server = server;
	names->asked[at].stream = stream;
	names->asked[at].size = from_size;
	if (from)
		names->asked[at].from = *from;
	guest_send(line, GUEST_QUESTION, &question, sizeof(question), data, size);
}

static void ask_datagram(struct guest_names *names, unsigned i, const struct guest_line *line)
{
	static uint8_t data[NAMES_MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	ssize_t got = recvfrom(names->servers[i], data, sizeof(data), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &size);

	if (got >= 0)
		hand_on(names, i, NULL, &from, size, data, (size_t)got, line);
}

/* Its questions are not answered any more. */
static void end_stream(struct guest_names *names, struct guest_stream *stream)
{
	names_stream_close(stream);
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		if (names->asked[i].stream == stream)
			names->asked[i].stream = NULL, names->asked[i].size = 0;
}

static void take_stream(struct guest_names *names, unsigned server)
{
	struct guest_stream *stream = &names->streams[names->next_stream++ % GUEST_STREAMS_MAX];
	int fd = accept4(names->doors[server], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	end_stream(names, stream);
	stream->fd = fd;
	stream->server = server;
}

static void ask_stream(struct guest_names *names, struct guest_stream *stream,
		       const struct guest_line *line)
{
	int got;

	while ((got = names_stream_read(stream)) > 0) {
		hand_on(names, stream->server, stream, NULL, 0, stream->data + NAMES_LENGTH,
			stream->filled - NAMES_LENGTH, line);
		stream->filled = 0;
	}
	if (got < 0)
		end_stream(names, stream);
}

void guest_names_ask(struct guest_names *names, const struct pollfd *fds,
		     const struct guest_line *line)
{
	for (unsigned i = 0; i < names->server_count; i++) {
		if (fds[i].revents)
			ask_datagram(names, i, line);
		if (fds[DOORS + i].revents)
			take_stream(names, i);
	}
	for (unsigned i = 0; i < GUEST_STREAMS_MAX; i++)
		if (fds[STREAMS + i].revents && fds[STREAMS + i].fd == names->streams[i].fd)
			ask_stream(names, &names->streams[i], line);
}

/* An answer that comes after its place was taken has another question's number in the message: the resolver passes it over. */
void guest_names_answer(struct guest_names *names, const void *data, size_t size)
{
	const struct guest_question *question = data;
	unsigned at = question->number % GUEST_QUESTIONS_MAX;
	struct guest_stream *stream = names->asked[at].stream;
	const void *message = question + 1;

	size -= sizeof(*question);
	if (stream && (size == 0 || names_stream_write(stream->fd, message, size) < 0))
		end_stream(names, stream);
	else if (!stream && names->asked[at].size && size > 0)
		sendto(names->servers[names->asked[at].server], message, size, MSG_DONTWAIT,
		       (struct sockaddr *)&names->asked[at].from, names->asked[at].size);
	names->asked[at].size = 0;
	names->asked[at].stream = NULL;
}
