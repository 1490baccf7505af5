/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/names_wire.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/uio.h>

#define DNS_PORT 53

socklen_t names_address(const struct address *server, struct sockaddr_storage *ret)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = server->v4};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT), .sin6_addr = server->v6};

	memcpy(ret, server->family == AF_INET ? (void *)&v4 : (void *)&v6,
	       server->family == AF_INET ? sizeof(v4) : sizeof(v6));
	return server->family == AF_INET ? sizeof(v4) : sizeof(v6);
}

static size_t wanted(const struct guest_stream *stream)
{
	if (stream->filled < NAMES_LENGTH)
		return NAMES_LENGTH;
	return NAMES_LENGTH + (size_t)(stream->data[0] << 8 | stream->data[1]);
}

int names_stream_read(struct guest_stream *stream)
{
	if (!stream->data)
		stream->data = calloc(1, NAMES_LENGTH + NAMES_MESSAGE_MAX);
	if (!stream->data)
		return -ENOMEM;
	while (stream->filled < NAMES_LENGTH || stream->filled < wanted(stream)) {
		ssize_t got = recv(stream->fd, stream->data + stream->filled,
				   wanted(stream) - stream->filled, MSG_DONTWAIT);

		if (got == 0)
			return -EPIPE;
		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		stream->filled += (size_t)got;
	}
	return 1;
}

int names_stream_write(int fd, const void *data, size_t size)
{
	uint8_t length[NAMES_LENGTH] = {(uint8_t)(size >> 8), (uint8_t)size};
	struct iovec iov[] = {{length, sizeof(length)}, {(void *)data, size}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);

	if (sent < 0)
		return -errno;
	return (size_t)sent == sizeof(length) + size ? 0 : -EAGAIN;
}

void names_stream_close(struct guest_stream *stream)
{
	if (stream->fd > 0)
		close_fd(stream->fd);
	free(stream->data);
	*stream = (struct guest_stream){0};
}
