/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of guest.h, as bytes on a stream. */
#include "base/cleanup.h"
#include "run/guest_names.h"

#include <poll.h>
#include <string.h>

/* Arguments and environment are what the kernel lets them be. */
#define MESSAGE_MAX (16u << 20)

struct header {
	uint32_t kind, size;
};

void guest_line_close(struct guest_line *line)
{
	line->fd = close_fd(line->fd);
	free(line->data);
	line->data = NULL;
}

static int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		ssize_t done = write(fd, at, size);

		if (done < 0 && errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (done < 0 && errno != EINTR)
			return -errno;
		else if (done > 0) {
			at += done;
			size -= (size_t)done;
		}
	}
	return 0;
}

int guest_send(const struct guest_line *line, enum guest_kind kind, const void *data, size_t size,
	       const void *more, size_t more_size)
{
	const struct header header = {kind, (uint32_t)(size + more_size)};
	int code = write_all(line->fd, &header, sizeof(header));

	if (code == 0)
		code = write_all(line->fd, data, size);
	if (code == 0)
		code = write_all(line->fd, more, more_size);
	return code;
}

static bool fits(const struct header *header)
{
	switch (header->kind) {
	case GUEST_START:
		return header->size >= sizeof(struct guest_start) && header->size <= MESSAGE_MAX;
	case GUEST_PORTS:
		return header->size == sizeof(struct guest_ports);
	case GUEST_KNOW:
		return header->size == sizeof(struct policy);
	case GUEST_SIGNAL:
	case GUEST_ENDED:
		return header->size == sizeof(int);
	case GUEST_WINDOW:
		return header->size == sizeof(struct winsize);
	case GUEST_STOPPED:
	case GUEST_ASKED:
		return header->size == 0;
	case GUEST_STATUS:
		return header->size <= MESSAGE_MAX;
	case GUEST_LISTENS:
		return header->size == sizeof(uint16_t);
	case GUEST_QUESTION:
	case GUEST_ANSWER:
		return header->size >= sizeof(struct guest_question) &&
		       header->size <= sizeof(struct guest_question) + UINT16_MAX;
	case GUEST_SAYS:
		return header->size < sizeof(struct err);
	default:
		return false;
	}
}

/* Reads until @size bytes are there. 1: they are. */
static int fill(struct guest_line *line, size_t size)
{
	if (line->room < size) {
		uint8_t *grown = realloc(line->data, size);

		if (!grown)
			return -ENOMEM;
		line->data = grown;
		line->room = size;
	}
	while (line->filled < size) {
		ssize_t got = read(line->fd, line->data + line->filled, size - line->filled);

		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			line->filled += (size_t)got;
	}
	return 1;
}

int guest_receive(struct guest_line *line, enum guest_kind *ret_kind, const void **ret_data,
		  size_t *ret_size)
{
	struct header header;
	int code = fill(line, line->filled < sizeof(header) ? sizeof(header) : line->filled);

	if (code <= 0)
		return code;
	memcpy(&header, line->data, sizeof(header));
	if (!fits(&header))
		return -EPROTO;
	code = fill(line, sizeof(header) + header.size);
	if (code <= 0)
		return code;
	line->filled = 0;
	*ret_kind = header.kind;
	*ret_data = line->data + sizeof(header);
	*ret_size = header.size;
	return 1;
}

char **guest_strings(const void *data, size_t size)
{
	const struct guest_start *start = data;
	size_t count = 2 + (size_t)start->argc + start->envc;
	size_t before = sizeof(*start) + (start->relayed ? sizeof(struct via_options) : 0);
	size_t left = size - before;
	char *at = (char *)data + before;
	char **strings;

	if (size < before || count > left)
		return NULL;
	strings = calloc(count + 1, sizeof(*strings));
	for (size_t i = 0; strings && i < count; i++) {
		size_t length = strnlen(at, left);

		if (length == left) {
			free(strings);
			return NULL;
		}
		strings[i] = at;
		at += length + 1;
		left -= length + 1;
	}
	return strings;
}
