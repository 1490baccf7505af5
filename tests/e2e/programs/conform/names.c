/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, and the options that have an effect or a value of their own; all others by their numbers: programs/options.c. */
#include "conform.h"

#include <netinet/ip.h>

static void set_and_get(const char *name, int fd, int level, int option, int value)
{
	char full[64];

	snprintf(full, sizeof(full), "%s", name);
	tell(full, setsockopt(fd, level, option, &value, sizeof(value)));
	snprintf(full, sizeof(full), "%s.value", name);
	tell_option(full, fd, level, option);
}

void options(void)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 5}, got = {0};
	struct timeval limit = {.tv_sec = 2, .tv_usec = 500000}, told = {0};
	socklen_t size = sizeof(got);
	char text[32] = "";
	int fd = scripted("h"), value = 0;

	tell_option("SO_TYPE", fd, SOL_SOCKET, SO_TYPE);
	tell_option("SO_DOMAIN", fd, SOL_SOCKET, SO_DOMAIN);
	tell_option("SO_PROTOCOL", fd, SOL_SOCKET, SO_PROTOCOL);
	tell_option("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
	set_and_get("SO_KEEPALIVE", fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_and_get("SO_REUSEADDR", fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_and_get("SO_RCVBUF", fd, SOL_SOCKET, SO_RCVBUF, 50000);
	set_and_get("SO_SNDBUF", fd, SOL_SOCKET, SO_SNDBUF, 50000);
	set_and_get("SO_PRIORITY", fd, SOL_SOCKET, SO_PRIORITY, 3);
	set_and_get("SO_PEEK_OFF", fd, SOL_SOCKET, SO_PEEK_OFF, 0);
	set_and_get("TCP_NODELAY", fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_and_get("TCP_CORK", fd, IPPROTO_TCP, TCP_CORK, 1);
	set_and_get("TCP_KEEPIDLE", fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_and_get("TCP_USER_TIMEOUT", fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 7777);
	set_and_get("IP_TOS", fd, IPPROTO_IP, IP_TOS, IPTOS_LOWDELAY);
	set_and_get("IP_TTL", fd, IPPROTO_IP, IP_TTL, 33);
	tell("SO_LINGER", setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &size);
	say("SO_LINGER.value", "%d %d", got.l_onoff, got.l_linger);
	tell("SO_RCVTIMEO", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	size = sizeof(told);
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &told, &size);
	say("SO_RCVTIMEO.value", "%ld %ld", (long)told.tv_sec, (long)told.tv_usec);
	size = 2;
	tell("short", getsockopt(fd, SOL_SOCKET, SO_TYPE, text, &size));
	say("short.length", "%u", size);
	size = (socklen_t)-1;
	tell("negative", getsockopt(fd, SOL_SOCKET, SO_TYPE, text, &size));
	size = sizeof(value);
	tell("wild", getsockopt(fd, SOL_SOCKET, SO_TYPE, (void *)8, &size));
	tell("wild length", getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, (socklen_t *)8));
	tell("unknown level", getsockopt(fd, 4711, 1, &value, &size));
	tell("unknown option", getsockopt(fd, SOL_SOCKET, 4711, &value, &size));
	tell("set.short", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 2));
	tell("set.wild", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4));
	tell("set.negative", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, (socklen_t)-1));
	tell("TCP_ULP", setsockopt(fd, IPPROTO_TCP, 31, "tls", 4));
	set_and_get("SO_ZEROCOPY", fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	close(fd);
}

void names(void)
{
	struct sockaddr_in peer = {0}, wanted = peer_at(PORT_SCRIPT);
	socklen_t size = sizeof(peer);
	char room[64];
	int fd = tcp(0);

	memset(room, 'x', sizeof(room));
	tell("fresh.peer", getpeername(fd, (struct sockaddr *)&peer, &size));
	tell("fresh.own", getsockname(fd, (struct sockaddr *)&peer, &size));
	say("fresh.own is", "family %d, port %d, %u bytes", peer.sin_family, ntohs(peer.sin_port),
	    size);
	connect_to(fd, PORT_SCRIPT);
	size = sizeof(room);
	tell("peer", getpeername(fd, (struct sockaddr *)room, &size));
	say("peer is right", "%d, %u bytes", memcmp(room, &wanted, sizeof(wanted)) == 0, size);
	size = 4;
	memset(room, 'x', sizeof(room));
	tell("peer.short", getpeername(fd, (struct sockaddr *)room, &size));
	say("peer.short is", "%u bytes, then %c", size, room[4]);
	size = 0;
	tell("peer.no room", getpeername(fd, NULL, &size));
	say("peer.no room is", "%u bytes", size);
	size = (socklen_t)-1;
	tell("peer.negative", getpeername(fd, (struct sockaddr *)room, &size));
	size = sizeof(room);
	tell("peer.wild", getpeername(fd, (struct sockaddr *)8, &size));
	tell("peer.wild length", getpeername(fd, (struct sockaddr *)room, (socklen_t *)8));
	tell("own", getsockname(fd, (struct sockaddr *)room, &size));
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	size = sizeof(room);
	tell("IPv6.own", getsockname(fd, (struct sockaddr *)room, &size));
	say("IPv6.own is", "%u bytes", size);
	tell_option("IPv6.SO_DOMAIN", fd, SOL_SOCKET, SO_DOMAIN);
	tell_option("IPv6.only", fd, IPPROTO_IPV6, IPV6_V6ONLY);
	close(fd);
}
