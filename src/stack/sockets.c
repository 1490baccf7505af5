/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "stack/sockets_parts.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

int sockets_open(const struct stack_ops *ops, int protocol, const struct stack_options *options,
		 struct stack **ret, struct err *err)
{
	struct sockets *sockets = calloc(1, sizeof(*sockets));

	if (!sockets)
		return err_set(err, -ENOMEM, "out of memory");
	sockets->stack.ops = ops;
	sockets->protocol = protocol;
	sockets->stack.stagger = options->stagger;
	pthread_mutex_init(&sockets->lock, NULL);
	*ret = &sockets->stack;
	return 0;
}

void sockets_close(struct stack *stack)
{
	struct sockets *sockets = (struct sockets *)stack;

	pthread_mutex_destroy(&sockets->lock);
	free(sockets);
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
