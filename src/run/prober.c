/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/prober.h"

#include "base/cleanup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static socklen_t fill(struct sockaddr_storage *ret, const struct address *address, uint16_t port)
{
	*ret = (struct sockaddr_storage){.ss_family = address->family};
	if (address->family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

		v4->sin_addr = address->v4;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	((struct sockaddr_in6 *)ret)->sin6_addr = address->v6;
	((struct sockaddr_in6 *)ret)->sin6_port = htons(port);
	return sizeof(struct sockaddr_in6);
}

/* Has anything come back? Errors that our own side made up (no route, no link) are no answer. */
static bool is_answer(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return false;
	return error == 0 || error == ECONNREFUSED;
}

static void give_up(struct prober *prober, unsigned slot)
{
	const struct linger reset = {.l_onoff = 1};

	setsockopt(prober->probes[slot].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close_fd(prober->probes[slot].fd);
	prober->probes[slot].fd = 0;
}

static int free_slot(struct prober *prober, unsigned link)
{
	int free = -1;

	for (unsigned i = 0; i < PROBER_MAX; i++) {
		if (prober->probes[i].fd && prober->probes[i].link == link)
			give_up(prober, i);
		if (!prober->probes[i].fd && free < 0)
			free = (int)i;
	}
	return free;
}

int prober_ask(struct prober *prober, unsigned link, const struct prober_target *target)
{
	struct sockaddr_storage local, remote;
	socklen_t local_size = fill(&local, &target->local, 0);
	socklen_t remote_size = fill(&remote, &target->remote, target->remote_port);
	const int later = 0;
	_cleanup_close_ int fd = -1;
	int slot = free_slot(prober, link);

	if (slot < 0 || !target->local.family)
		return -EAGAIN;
	fd = socket(target->local.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0 || bind(fd, (struct sockaddr *)&local, local_size) < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &later, sizeof(later));
	if (connect(fd, (struct sockaddr *)&remote, remote_size) < 0 && errno != EINPROGRESS)
		return -EAGAIN;
	prober->probes[slot].link = link;
	prober->probes[slot].fd = steal_fd(&fd);
	return 0;
}

void prober_poll(const struct prober *prober, struct pollfd fds[static PROBER_MAX])
{
	for (unsigned i = 0; i < PROBER_MAX; i++)
		fds[i] = (struct pollfd){.fd = prober->probes[i].fd ? prober->probes[i].fd : -1,
					 .events = POLLOUT};
}

unsigned prober_answer(struct prober *prober, const struct pollfd fds[static PROBER_MAX])
{
	for (unsigned i = 0; i < PROBER_MAX; i++) {
		bool answer;

		if (!prober->probes[i].fd || fds[i].fd != prober->probes[i].fd || !fds[i].revents)
			continue;
		answer = is_answer(prober->probes[i].fd);
		give_up(prober, i);
		if (answer)
			return prober->probes[i].link;
	}
	return 0;
}

void prober_close(struct prober *prober)
{
	for (unsigned i = 0; i < PROBER_MAX; i++)
		if (prober->probes[i].fd)
			give_up(prober, i);
}
