/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options: every socket option by its number, on TCP sockets in every state, got with several
 * lengths and set to several values; what the kernel said, one line each:
 *
 *   FAMILY STATE LEVEL NUMBER get LENGTH: ERRNO LENGTH VALUE
 *   FAMILY STATE LEVEL NUMBER set WHAT: ERRNO ERRNO LENGTH VALUE     (then got with 64 bytes)
 *
 * Each (state, option) has a socket of its own. Two runs of it can be compared by `diff`.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAMES     84
#define ROOM      256
#define BAD       ((void *)1) /* points nowhere */
#define GOT_LIMIT 64          /* bytes of a value that are shown */

static const struct {
	const char *name;
	int number;
} levels[] = {
	{"socket", SOL_SOCKET},
	{"tcp", IPPROTO_TCP},
	{"ip", IPPROTO_IP},
	{"ipv6", IPPROTO_IPV6},
};

enum state { NEW, BOUND, LISTENING, CONNECTED, ACCEPTED, STATES };
static const char *const states[] = {"new", "bound", "listening", "connected", "accepted"};

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(2);
}

static socklen_t loopback(int family, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

struct sockets {
	int tried, listener, other; /* -1: there is none */
};

/* A socket in @state, with the ones that it takes to get there. */
static struct sockets make(int family, enum state state)
{
	struct sockets s = {-1, -1, -1};
	struct sockaddr_storage at;
	socklen_t size = loopback(family, &at);
	int fd = socket(family, SOCK_STREAM, 0);

	check(fd, "socket");
	s.tried = fd;
	if (state == NEW)
		return s;
	check(bind(fd, (struct sockaddr *)&at, size), "bind");
	if (state == BOUND)
		return s;
	check(listen(fd, 5), "listen");
	if (state == LISTENING)
		return s;
	s.listener = fd;
	check(getsockname(fd, (struct sockaddr *)&at, &size), "getsockname");
	s.tried = socket(family, SOCK_STREAM, 0);
	check(s.tried, "socket");
	check(connect(s.tried, (struct sockaddr *)&at, size), "connect");
	s.other = accept(s.listener, NULL, NULL);
	check(s.other, "accept");
	if (state == ACCEPTED) {
		fd = s.tried;
		s.tried = s.other;
		s.other = fd;
	}
	return s;
}

static void unmake(const struct sockets *s)
{
	close(s->tried);
	if (s->listener >= 0)
		close(s->listener);
	if (s->other >= 0)
		close(s->other);
}

static void print_got(int fd, int level, int name, void *at, socklen_t length, const void *value)
{
	socklen_t *size = &length;
	int result;

	if (length == 0xbad) {
		length = 4;
		size = BAD;
	}
	result = getsockopt(fd, level, name, at, size);
	printf(" %d", result < 0 ? errno : 0);
	if (result == 0) {
		printf(" %u ", length);
		for (unsigned i = 0; value && i < length && i < GOT_LIMIT; i++)
			printf("%02x", ((const uint8_t *)value)[i]);
	}
	putchar('\n');
}

static const struct {
	const char *what;
	const void *data;
	socklen_t length;
} values[] = {
	{"0", "\0\0\0\0", 4},
	{"1", "\1\0\0\0", 4},
	{"7", "\7\0\0\0", 4},
	{"500", "\xf4\1\0\0", 4},
	{"100000", "\xa0\x86\1\0", 4},
	{"-1", "\xff\xff\xff\xff", 4},
	{"no bytes", "\1\0\0\0", 0},
	{"a byte", "\2\0\0\0", 1},
	{"two bytes", "\2\0\0\0", 2},
	{"three bytes", "\2\0\0\0", 3},
	{"8 bytes", "\3\0\0\0\0\0\0\0", 8},
	{"12 bytes", "\xe0\0\0\1\x7f\0\0\1\0\0\0\0", 12},
	{"tls", "tls", 4},
	{"reno", "reno", 4},
	{"lo", "lo", 3},
	{"nowhere", BAD, 4},
	{"null", NULL, 4},
	{"null and no bytes", NULL, 0},
	{"length -1", "\1\0\0\0", (socklen_t)-1},
};

static void try(int family, enum state state, unsigned level, int name)
{
	static const socklen_t lengths[] = {0, 1, 2, 3, 4, 8, 64, ROOM, (socklen_t)-1};
	const char *f = family == AF_INET ? "v4" : "v6";
	struct sockets s = make(family, state);
	uint8_t room[ROOM];

#define ABOUT "%s %s %s %d ", f, states[state], levels[level].name, name
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(room, 0xcc, sizeof(room));
		printf(ABOUT);
		printf("get %d:", (int)lengths[i]);
		print_got(s.tried, levels[level].number, name, room, lengths[i], room);
	}
	printf(ABOUT);
	printf("get nowhere:");
	print_got(s.tried, levels[level].number, name, BAD, 4, NULL);
	printf(ABOUT);
	printf("get length nowhere:");
	print_got(s.tried, levels[level].number, name, room, 0xbad, NULL);
	for (unsigned i = 0; i < sizeof(values) / sizeof(*values); i++) {
		int result = setsockopt(s.tried, levels[level].number, name, values[i].data,
					values[i].length);

		printf(ABOUT);
		printf("set %s: %d", values[i].what, result < 0 ? errno : 0);
		memset(room, 0xcc, sizeof(room));
		print_got(s.tried, levels[level].number, name, room, 64, room);
	}
	unmake(&s);
}

int main(int argc, char **argv)
{
	for (int family = AF_INET;; family = AF_INET6) {
		for (int state = 0; state < STATES; state++)
			for (unsigned level = 0; level < sizeof(levels) / sizeof(*levels); level++)
				for (int name = 0; name < NAMES; name++)
					try(family, (enum state)state, level, name);
		if (family == AF_INET6)
			break;
	}
	return 0;
}
