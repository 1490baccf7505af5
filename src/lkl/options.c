/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/options.h"

#include "attach/options.h"
#include "attach/recall.h"
#include "lkl/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static struct recall *taken; /* by numbers of streams, which are given once */

int options_open(void)
{
	taken = recall_new();
	return taken ? 0 : -ENOMEM;
}

/* Is TCP's answer the right one to what MPTCP says @code to? */
static bool asks_tcp(const struct stream *stream, int level, int name, int code,
		     enum option_direction direction)
{
	/* It is only to be known: it holds on the program's own side. */
	if (level == SOL_SOCKET && name == SO_PEEK_OFF)
		return code == -EOPNOTSUPP || code == -ENOPROTOOPT;
	switch (options_how(level, name, direction).answer) {
	case OPTION_LEFT:
	case OPTION_REFUSED:
		return false;
	case OPTION_UNTIL_CONNECTED:
		if (stream->state == STREAM_CONNECTED)
			return true;
		break;
	case OPTION_KERNEL:
	case OPTION_MODEL:
	case OPTION_ROUTE:
		break;
	}
	return code == -EOPNOTSUPP || code == -ENOPROTOOPT;
}

/* A TCP socket that was told what the stream's was; negative errno. */
static int open_tcp(const struct stream *stream)
{
	int family = AF_INET, fd;
	socklen_t size = sizeof(family);
	const struct recalled *one = NULL;

	kernel_get_option(stream->far, SOL_SOCKET, SO_DOMAIN, &family, &size);
	fd = kernel_socket(family, SOCK_STREAM, IPPROTO_TCP);
	while (fd >= 0 && (one = recall_next(taken, stream->number, one)))
		kernel_set_option(fd, one->level, one->name, one->bytes, one->length);
	return fd;
}

int option_set(const struct stream *stream, int level, int name, const void *value, socklen_t size)
{
	int code = kernel_set_option(stream->far, level, name, value, size), fd;

	if (code >= 0 || !asks_tcp(stream, level, name, code, OPTION_SET))
		return code;
	fd = open_tcp(stream);
	if (fd < 0)
		return code;
	code = kernel_set_option(fd, level, name, value, size);
	kernel_close(fd);
	if (code == 0)
		recall_put(taken, stream->number, level, name, value, size);
	return code;
}

int option_get(const struct stream *stream, int level, int name, void *ret, socklen_t *size)
{
	bool remembered = recall_get(taken, stream->number, level, name);
	socklen_t room = *size;
	int code = 0, fd;

	if (!remembered)
		code = kernel_get_option(stream->far, level, name, ret, size);
	if (!remembered && (code >= 0 || !asks_tcp(stream, level, name, code, OPTION_GET)))
		return code;
	fd = open_tcp(stream);
	if (fd < 0)
		return code < 0 ? code : fd;
	*size = room;
	code = kernel_get_option(fd, level, name, ret, size);
	kernel_close(fd);
	return code;
}

void options_settle(const struct stream *stream)
{
	const struct recalled *one = recall_next(taken, stream->number, NULL);

	while (one) {
		if (kernel_set_option(stream->far, one->level, one->name, one->bytes, one->length) <
		    0) {
			one = recall_next(taken, stream->number, one);
			continue;
		}
		recall_forget(taken, stream->number, one->level, one->name);
		one = recall_next(taken, stream->number, NULL);
	}
}

unsigned option_patience(const struct stream *stream)
{
	const struct recalled *one =
		recall_get(taken, stream->number, IPPROTO_TCP, TCP_USER_TIMEOUT);
	unsigned ms = 0;

	if (one)
		memcpy(&ms, one->bytes, sizeof(ms));
	return ms;
}
