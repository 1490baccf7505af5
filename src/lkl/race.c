/* SPDX-License-Identifier: GPL-2.0-only */
#include "lkl/race.h"

#include "base/clock.h"
#include "lkl/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define PATIENCE      (300 * NS_PER_MS)
#define LAST_PATIENCE (5 * NS_PER_S)

void race_end(struct streams *streams, struct stream *stream)
{
	if (stream->races)
		streams->racing--;
	stream->races = false;
	if (stream->rival >= 0)
		kernel_close(stream->rival);
	stream->rival = -1;
}

void race_begin(struct streams *streams, struct stream *stream, const struct sockaddr *to,
		socklen_t size)
{
	race_end(streams, stream);
	if (stream->state != STREAM_CONNECTING || stream->bound || size > sizeof(stream->to))
		return;
	memcpy(&stream->to, to, size);
	stream->to_size = size;
	stream->began = clock_now();
	stream->races = true;
	streams->racing++;
}

/* How far has a connecting socket come? 0: connected, -EINPROGRESS, or why it failed. */
static int progress_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(int), name_size = sizeof(name);
	int error = 0;

	kernel_get_option(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return -error;
	return kernel_peer(fd, (struct sockaddr *)&name, &name_size) == 0 ? 0 : -EINPROGRESS;
}

/* Of a peer that is not there the other link says nothing, perhaps, and then it would be tried for two minutes. */
static void hurry(struct streams *streams, struct stream *stream, int error)
{
	stream->failed = error;
	if (stream->hurried && stream->patience < LAST_PATIENCE)
		return;
	streams->hurried += !stream->hurried;
	stream->hurried = true;
	stream->patience = LAST_PATIENCE;
}

int race_settle(struct streams *streams, struct stream *stream)
{
	int far = progress_of(stream->far), rival;

	if (far == 0 || stream->rival < 0)
		return far;
	rival = progress_of(stream->rival);
	/* It takes the place of one that is behind. */
	if (rival < 0 && (rival != -EINPROGRESS || far == -EINPROGRESS))
		return far;
	if (far != -EINPROGRESS && rival == -EINPROGRESS)
		hurry(streams, stream, -far);
	kernel_close(stream->far);
	stream->far = stream->rival;
	stream->rival = -1;
	return rival;
}

void race_take_options(int from, int to)
{
	static const int options[][2] = {
		{SOL_SOCKET, SO_KEEPALIVE},   {SOL_SOCKET, SO_LINGER},
		{IPPROTO_TCP, TCP_NODELAY},   {IPPROTO_TCP, TCP_KEEPIDLE},
		{IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT},
		{IPPROTO_IPV6, IPV6_V6ONLY},
	};

	for (unsigned i = 0; i < sizeof(options) / sizeof(*options); i++) {
		uint8_t value[16];
		socklen_t size = sizeof(value);

		if (kernel_get_option(from, options[i][0], options[i][1], value, &size) == 0)
			kernel_set_option(to, options[i][0], options[i][1], value, size);
	}
}

static bool has(const struct port *port, const struct address *address)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (address_equal(&port->addresses[i], address))
			return true;
	return false;
}

/* An address of another link than that of @own. NULL: there is none. */
static const struct address *find_other(const struct network *network, const struct address *own)
{
	for (unsigned i = 0; i < network->is.port_count; i++) {
		const struct port *port = &network->is.ports[i];

		if (!port->up || has(port, own) ||
		    silence_has(&network->silence, (unsigned)network->indexes[i]) ||
		    !port->gateways[own->family == AF_INET6].family)
			continue;
		for (unsigned j = 0; j < port->address_count; j++)
			if (port->addresses[j].family == own->family &&
			    !(own->family == AF_INET6 &&
			      IN6_IS_ADDR_LINKLOCAL(&port->addresses[j].v6)))
				return &port->addresses[j];
	}
	return NULL;
}

static int bind_to(int fd, const struct address *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = address->v4};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = address->v6};

	return address->family == AF_INET ? kernel_bind(fd, (struct sockaddr *)&v4, sizeof(v4))
					  : kernel_bind(fd, (struct sockaddr *)&v6, sizeof(v6));
}

/* The kernel's socket that is to be the other one, connecting; or a negative errno. */
static int rival_of(const struct stream *stream, const struct network *network)
{
	struct sockaddr_storage name = {0};
	socklen_t size = sizeof(name);
	const struct address *other;
	struct address own;
	int fd, code = kernel_name(stream->far, (struct sockaddr *)&name, &size);

	if (code < 0)
		return code;
	own = address_from_sockaddr((struct sockaddr *)&name);
	other = own.family && own.family == stream->to.ss_family ? find_other(network, &own) : NULL;
	if (!other)
		return -EADDRNOTAVAIL;
	fd = kernel_socket(stream->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_MPTCP);
	if (fd < 0)
		return fd;
	race_take_options(stream->far, fd);
	/* The port number is then one that is free towards that peer: there are few. */
	kernel_set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	code = bind_to(fd, other);
	if (code == 0)
		code = kernel_connect(fd, (const struct sockaddr *)&stream->to, stream->to_size);
	if (code == 0 || code == -EINPROGRESS)
		return fd;
	kernel_close(fd);
	return code;
}

static void add_rival(struct streams *streams, struct stream *stream, int rival)
{
	race_end(streams, stream);
	stream->rival = rival < 0 ? -1 : rival;
	if (rival >= 0 && kernel_epoll_add(streams->kernel, rival,
					   EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, stream) < 0)
		race_end(streams, stream);
}

uint64_t race_look(struct streams *streams, const struct network *network, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct stream *stream;

	if (streams->racing == 0)
		return next;
	LIST_FOREACH(stream, &streams->all, all)
	{
		uint64_t due = stream->began + PATIENCE;

		if (stream->state != STREAM_CONNECTING || !stream->races)
			continue;
		if (due <= now)
			add_rival(streams, stream, rival_of(stream, network));
		else if (due < next)
			next = due;
	}
	return next;
}
