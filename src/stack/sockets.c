/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shared.h"
#include "stack/sockets_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

int sockets_open(const struct stack_ops *ops, int protocol, const struct stack_options *options,
		 struct stack **ret, struct err *err)
{
	struct sockets *sockets = shared_make(sizeof(*sockets));
	int code = sockets ? shared_lock_make(&sockets->lock) : -ENOMEM;

	if (code < 0) {
		shared_free(sockets, sizeof(*sockets));
		return err_set(err, code, "stack %s: %s", ops->name, strerror(-code));
	}
	sockets->stack.ops = ops;
	sockets->protocol = protocol;
	sockets->stack.stagger = options->stagger;
	*ret = &sockets->stack;
	return 0;
}

void sockets_close(struct stack *stack)
{
	shared_free(stack, sizeof(struct sockets));
}

socklen_t sockets_size(const struct sockaddr_storage *sa)
{
	return sa->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

const char *sockets_text(const struct sockaddr_storage *sa, char text[static SOCKETS_TEXT_MAX])
{
	struct address address = address_from_sockaddr((const struct sockaddr *)sa);

	return address_text(&address, text);
}

int sockets_set_blocking(int fd, unsigned flags)
{
	int is = fcntl(fd, F_GETFL);

	if (is < 0)
		return -errno;
	if (flags & RV_NONBLOCK)
		return 0;
	return fcntl(fd, F_SETFL, is & ~O_NONBLOCK) < 0 ? -errno : 0;
}
