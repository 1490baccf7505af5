/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening: one descriptor, of one family or (for all addresses) of both. */
#include "base/cleanup.h"
#include "stack/resolve.h"
#include "stack/sockets_parts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

static void free_found(struct addrinfo **found)
{
	if (*found)
		freeaddrinfo(*found);
}

static int listen_at(const struct sockets *sockets, const struct stack_listen *listening,
		     const struct addrinfo *at, bool both)
{
	_cleanup_close_ int fd = sockets_make(sockets, (sa_family_t)at->ai_family);
	const int only = !both, yes = 1;
	int code;

	if (fd < 0)
		return fd;
	/* A server that starts again finds connections of the last one in TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    (at->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0) ||
	    bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, listening->backlog) < 0)
		return -errno;
	code = sockets_set_blocking(fd, listening->flags);
	return code < 0 ? code : steal_fd(&fd);
}

int sockets_listen(struct stack *stack, const struct stack_listen *listening, struct err *err)
{
	const unsigned either = listening->flags & (RV_IPV4 | RV_IPV6);
	const bool both = !listening->host && either != RV_IPV4 && either != RV_IPV6;
	const char *name = listening->host ? listening->host : both ? "::" : "any";
	struct addrinfo hints = {
		.ai_family = either == RV_IPV4   ? AF_INET
			     : either == RV_IPV6 ? AF_INET6
						 : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	_cleanup_(free_found) struct addrinfo *found = NULL;
	int code = resolve_check_service(listening->service, 0, err), gai;

	if (code < 0)
		return code;
	if (both)
		hints.ai_family = AF_INET6;
	gai = getaddrinfo(listening->host, listening->service, &hints, &found);
	if (gai)
		return resolve_error(gai, errno, name, listening->service, err);
	code = listen_at((struct sockets *)stack, listening, found, both);
	if (both && (code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL)) {
		/* A kernel, or a namespace, without IPv6. */
		freeaddrinfo(steal_ptr(found));
		hints.ai_family = AF_INET;
		gai = getaddrinfo(NULL, listening->service, &hints, &found);
		if (gai)
			return resolve_error(gai, errno, name, listening->service, err);
		code = listen_at((struct sockets *)stack, listening, found, false);
	}
	if (code < 0)
		return err_set(err, code, "cannot listen at %s, port %s: %s",
			       listening->host ? listening->host : "all addresses",
			       listening->service, strerror(-code));
	return code;
}
