/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t address_size(const struct address *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

/* Decimal digits only, 0..@max; -1 otherwise. */
static int parse_prefix(const char *text, int max)
{
	int value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

int address_parse(const char *text, struct address *ret)
{
	struct address a = {0};
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	int prefix;

	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';

	if (inet_pton(AF_INET, host, &a.v4) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, host, &a.v6) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;

	prefix = (int)address_size(&a) * 8;
	if (slash)
		prefix = parse_prefix(slash + 1, prefix);
	if (prefix < 0)
		return -EINVAL;
	a.prefix = (uint8_t)prefix;
	*ret = a;
	return 0;
}

const char *address_text(const struct address *a, char text[static ADDRESS_TEXT_MAX])
{
	if (!inet_ntop(a->family, a->bytes, text, ADDRESS_TEXT_MAX))
		snprintf(text, ADDRESS_TEXT_MAX, "none");
	return text;
}

const char *address_text_prefix(const struct address *a, char text[static ADDRESS_TEXT_MAX])
{
	size_t used;

	address_text(a, text);
	used = strlen(text);
	if (a->family)
		snprintf(text + used, ADDRESS_TEXT_MAX - used, "/%u", a->prefix);
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_size(a)) == 0;
}

struct address address_network(const struct address *a)
{
	struct address net = *a;

	for (size_t i = 0; i < address_size(a); i++) {
		int bits = a->prefix - (int)i * 8;

		if (bits <= 0)
			net.bytes[i] = 0;
		else if (bits < 8)
			net.bytes[i] &= (uint8_t)(0xff << (8 - bits));
	}
	return net;
}

bool address_within(const struct address *a, const struct address *net)
{
	struct address inside = *a, outside = address_network(net);

	inside.prefix = net->prefix;
	inside = address_network(&inside);
	return address_equal(&inside, &outside);
}

bool address_is_link_local(const struct address *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool address_is_loopback(const struct address *a)
{
	return (a->family == AF_INET && a->bytes[0] == 127) ||
	       (a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6));
}

bool address_is_unspecified(const struct address *a)
{
	return (a->family == AF_INET && a->bytes[0] == 0) ||
	       (a->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6));
}

struct address address_from_sockaddr(const struct sockaddr *sa)
{
	struct address a = {0};

	if (sa->sa_family == AF_INET) {
		a.family = AF_INET;
		a.prefix = 32;
		a.v4 = ((const struct sockaddr_in *)sa)->sin_addr;
	} else if (sa->sa_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(v6)) {
			a.family = AF_INET;
			a.prefix = 32;
			memcpy(&a.v4, v6->s6_addr + 12, 4);
		} else {
			a.family = AF_INET6;
			a.prefix = 128;
			a.v6 = *v6;
		}
	}
	return a;
}

const char *address_port_text(const struct sockaddr *sa, char text[static ADDRESS_PORT_TEXT_MAX])
{
	struct address address = address_from_sockaddr(sa);
	char host[ADDRESS_TEXT_MAX];
	in_port_t port;

	/* At the same place in both. */
	memcpy(&port, (const char *)sa + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	snprintf(text, ADDRESS_PORT_TEXT_MAX, address.family == AF_INET ? "%s:%u" : "[%s]:%u",
		 address_text(&address, host), ntohs(port));
	return text;
}

unsigned address_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	return 0;
}
