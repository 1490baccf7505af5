/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/guest_names.h"

#include "base/cleanup.h"

#include <string.h>

#define DATAGRAM_MAX 65535
#define DNS_PORT     53

static socklen_t put_address(const struct address *server, struct sockaddr_storage *ret)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = server->v4};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT), .sin6_addr = server->v6};

	memcpy(ret, server->family == AF_INET ? (void *)&v4 : (void *)&v6,
	       server->family == AF_INET ? sizeof(v4) : sizeof(v6));
	return server->family == AF_INET ? sizeof(v4) : sizeof(v6);
}

static int open_socket(const struct address *server)
{
	return socket(server->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void listen_at(struct guest_names *names, const struct address *server)
{
	struct sockaddr_storage at;
	socklen_t size = put_address(server, &at);
	int fd = open_socket(server);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0) {
		close_fd(fd);
		return;
	}
	names->addresses[names->server_count] = *server;
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
			listen_at(names, &server);
}

void guest_names_ask(struct guest_names *names, unsigned i, const struct guest_line *line)
{
	static uint8_t data[DATAGRAM_MAX];
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	ssize_t got = recvfrom(names->servers[i], data, sizeof(data), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &size);
	struct guest_question question = {++names->number, names->addresses[i]};
	unsigned at = question.number % GUEST_QUESTIONS_MAX;

	if (got < 0)
		return;
	names->asked[at].server = i;
	names->asked[at].from = from;
	names->asked[at].size = size;
	guest_send(line, GUEST_QUESTION, &question, sizeof(question), data, (size_t)got);
}

/* An answer that comes after its place was taken has another question's number in the datagram: the resolver passes it over. */
void guest_names_answer(struct guest_names *names, const void *data, size_t size)
{
	const struct guest_question *question = data;
	unsigned at = question->number % GUEST_QUESTIONS_MAX;

	if (!names->asked[at].size)
		return;
	sendto(names->servers[names->asked[at].server], question + 1, size - sizeof(*question),
	       MSG_DONTWAIT, (struct sockaddr *)&names->asked[at].from, names->asked[at].size);
	names->asked[at].size = 0;
}

void inside_names_ask(struct inside_names *names, const void *data, size_t size)
{
	const struct guest_question *question = data;
	unsigned at = question->number % GUEST_QUESTIONS_MAX;
	struct sockaddr_storage to;
	socklen_t to_size;
	int fd;

	/* Who is inside may ask what the caller may ask, of name servers on this host only. */
	if ((question->server.family != AF_INET && question->server.family != AF_INET6) ||
	    !address_is_loopback(&question->server))
		return;
	if (names->asked[at] > 0)
		close_fd(names->asked[at]);
	names->asked[at] = 0;
	fd = open_socket(&question->server);
	if (fd < 0)
		return;
	to_size = put_address(&question->server, &to);
	if (connect(fd, (struct sockaddr *)&to, to_size) < 0 ||
	    send(fd, question + 1, size - sizeof(*question), 0) < 0) {
		close_fd(fd);
		return;
	}
	names->asked[at] = fd;
	names->questions[at] = *question;
}

void inside_names_poll(const struct inside_names *names, struct pollfd *fds)
{
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		fds[i] = (struct pollfd){.fd = names->asked[i] > 0 ? names->asked[i] : -1,
					 .events = POLLIN};
}

void inside_names_answer(struct inside_names *names, const struct pollfd *fds,
			 const struct guest_line *line)
{
	static uint8_t data[DATAGRAM_MAX];

	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++) {
		ssize_t got;

		if (!fds[i].revents || fds[i].fd != names->asked[i])
			continue;
		got = recv(names->asked[i], data, sizeof(data), 0);
		if (got > 0)
			guest_send(line, GUEST_ANSWER, &names->questions[i],
				   sizeof(names->questions[i]), data, (size_t)got);
		close_fd(names->asked[i]);
		names->asked[i] = 0;
	}
}

void inside_names_close(struct inside_names *names)
{
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		if (names->asked[i] > 0)
			close_fd(names->asked[i]);
}
