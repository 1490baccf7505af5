/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's side of guest_names.h. */
#include "base/cleanup.h"
#include "run/names_wire.h"

#include <string.h>
#include <sys/time.h>

/* A name server on this host takes a connection at once, or is not well. */
static const struct timeval patience = {.tv_sec = 1};

static int ask(const struct guest_question *question, const void *data, size_t size)
{
	int type = question->stream ? SOCK_STREAM : SOCK_DGRAM, code;
	_cleanup_close_ int fd = socket(question->server.family, type | SOCK_CLOEXEC, 0);
	struct sockaddr_storage to;
	socklen_t to_size = names_address(&question->server, &to);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, to_size) < 0)
		return -errno;
	if (question->stream)
		code = names_stream_write(fd, data, size);
	else
		code = send(fd, data, size, 0) < 0 ? -errno : 0;
	return code < 0 ? code : steal_fd(&fd);
}

void inside_names_ask(struct inside_names *names, const void *data, size_t size)
{
	const struct guest_question *question = data;
	unsigned at = question->number % GUEST_QUESTIONS_MAX;
	int fd;

	/* Who is inside may ask what the caller may ask, of name servers on this host only. */
	if ((question->server.family != AF_INET && question->server.family != AF_INET6) ||
	    !address_is_loopback(&question->server))
		return;
	names_stream_close(&names->asked[at]);
	fd = ask(question, question + 1, size - sizeof(*question));
	if (fd < 0)
		return;
	names->asked[at].fd = fd;
	names->questions[at] = *question;
}

void inside_names_poll(const struct inside_names *names, struct pollfd *fds)
{
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		fds[i] = (struct pollfd){.fd = names->asked[i].fd > 0 ? names->asked[i].fd : -1,
					 .events = POLLIN};
}

static void answer(const struct guest_question *question, const void *data, size_t size,
		   const struct guest_line *line)
{
	guest_send(line, GUEST_ANSWER, question, sizeof(*question), data, size);
}

/* Has the question been answered, or never will be? */
static bool take(struct inside_names *names, unsigned i, const struct guest_line *line)
{
	static uint8_t data[NAMES_MESSAGE_MAX];
	struct guest_stream *asked = &names->asked[i];
	ssize_t got;

	if (!names->questions[i].stream) {
		got = recv(asked->fd, data, sizeof(data), 0);
		if (got > 0)
			answer(&names->questions[i], data, (size_t)got, line);
		return true;
	}
	got = names_stream_read(asked);
	if (got > 0)
		answer(&names->questions[i], asked->data + NAMES_LENGTH,
		       asked->filled - NAMES_LENGTH, line);
	else if (got < 0)
		answer(&names->questions[i], NULL, 0, line);
	return got != 0;
}

void inside_names_answer(struct inside_names *names, const struct pollfd *fds,
			 const struct guest_line *line)
{
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		if (fds[i].revents && fds[i].fd == names->asked[i].fd && take(names, i, line))
			names_stream_close(&names->asked[i]);
}

void inside_names_close(struct inside_names *names)
{
	for (unsigned i = 0; i < GUEST_QUESTIONS_MAX; i++)
		names_stream_close(&names->asked[i]);
}
