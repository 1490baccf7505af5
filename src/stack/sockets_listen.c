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

static int listen_at(struct stack *stack, const struct stack_listen *listening,
		     const struct addrinfo *at, bool both)
{
	const struct stack_calls *calls = stack->ops->calls;
	_cleanup_close_ int fd = calls->make(stack, at->ai_family);
	const int only = !both, yes = 1;
	int code = fd < 0 ? fd : 0;

	/* A server that starts again finds connections of the last one in TIME_WAIT. */
	if (code == 0)
		code = calls->set(stack, fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (code == 0 && at->ai_family == AF_INET6)
		code = calls->set(stack, fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (code == 0)
		code = calls->bind(stack, fd, at->ai_addr, at->ai_addrlen);
	if (code == 0)
		code = calls->listen(stack, fd, listening->backlog);
	if (code == 0)
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
	code = listen_at(stack, listening, found, both);
	if (both && (code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL)) {
		/* A kernel, or a namespace, without IPv6. */
		freeaddrinfo(steal_ptr(found));
		hints.ai_family = AF_INET;
		gai = getaddrinfo(NULL, listening->service, &hints, &found);
		if (gai)
			return resolve_error(gai, errno, name, listening->service, err);
		code = listen_at(stack, listening, found, false);
	}
	if (code < 0)
		return err_set(err, code, "cannot listen at %s, port %s: %s",
			       listening->host ? listening->host : "all addresses",
			       listening->service, strerror(-code));
	return code;
}
