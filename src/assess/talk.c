/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/talk.h"

#include "assess/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

int talk_wait(int fd, short events, uint64_t until)
{
	uint64_t now = meter_clock(), left = until > now ? until - now : 0;
	struct pollfd poll_fd = {.fd = fd, .events = events};
	const struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
	int count;

	do
		count = ppoll(&poll_fd, 1, &timeout, NULL);
	while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count > 0 ? poll_fd.revents : 0;
}

int talk_send(int fd, const void *bytes, size_t size, uint64_t until)
{
	const char *from = bytes;

	while (size > 0) {
		ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			int ready = talk_wait(fd, POLLOUT, until);

			if (ready <= 0)
				return ready ? ready : -ETIMEDOUT;
			continue;
		}
		if (sent < 0 && errno != EINTR)
			return -errno;
		if (sent > 0) {
			from += sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

int talk_receive(int fd, void *ret, size_t size, uint64_t until)
{
	char *to = ret;

	while (size > 0) {
		ssize_t got = recv(fd, to, size, 0);

		if (got < 0 && errno == EAGAIN) {
			int ready = talk_wait(fd, POLLIN, until);

			if (ready <= 0)
				return ready ? ready : -ETIMEDOUT;
			continue;
		}
		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			to += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

static int ask(int fd, const struct hello *hello, bool client, struct meter *meter)
{
	const uint64_t patience = hello->origin + hello->patience;
	uint8_t question[ASK_SIZE], answer[ASK_SIZE];
	int code;

	for (uint64_t offset = 0; client; offset += ASK_SIZE) {
		uint64_t before = meter_now(meter);

		/* The last one is of zeros. */
		if (before >= hello->until)
			memset(question, 0, sizeof(question));
		else
			stream_pattern(hello->seed, offset, question, sizeof(question));
		code = talk_send(fd, question, sizeof(question), patience);
		if (code == 0)
			code = talk_receive(fd, answer, sizeof(answer), patience);
		if (code == -ETIMEDOUT)
			meter_delay(meter, meter_now(meter) - before);
		if (code < 0)
			return code;
		if (before >= hello->until)
			return 0;
		meter_count(meter, sizeof(question), memcmp(question, answer, sizeof(answer)) != 0);
		meter_received(meter, sizeof(answer));
		meter_delay(meter, meter_now(meter) - before);
	}
	for (uint64_t offset = 0;; offset += ASK_SIZE) {
		static const uint8_t last[ASK_SIZE];

		code = talk_receive(fd, question, sizeof(question), patience);
		if (code == 0)
			code = talk_send(fd, question, sizeof(question), patience);
		if (code < 0)
			return code;
		if (memcmp(question, last, sizeof(last)) == 0)
			return 0;
		meter_count(meter, sizeof(answer),
			    stream_compare(hello->seed, offset, question, sizeof(question)));
		meter_received(meter, sizeof(question));
	}
}

int talk(int fd, const struct hello *hello, bool client, struct meter *meter)
{
	switch (hello->talk) {
	case TALK_STREAM:
		return talk_stream(fd, hello, client, meter);
	case TALK_ASK:
		return ask(fd, hello, client, meter);
	case TALK_MESSAGES:
		return talk_messages(fd, hello, client, meter);
	default:
		return -EBADMSG;
	}
}
