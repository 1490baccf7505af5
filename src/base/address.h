/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An IP address, v4 or v6, with a prefix length; and its text. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	sa_family_t family; /* AF_INET, AF_INET6, or 0: none */
	uint8_t prefix;     /* length of the network part; 32 or 128 for a lone address */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	};
};

#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 4)

/* Length of the address in bytes: 4 or 16 (0 for none). */
size_t address_size(const struct address *a);

/* "ADDRESS" or "ADDRESS/PREFIX", strict; -EINVAL for anything else. */
int address_parse(const char *text, struct address *ret);

/* The address as text, without or with "/PREFIX". Returns @text. */
const char *address_text(const struct address *a, char text[static ADDRESS_TEXT_MAX]);
const char *address_text_prefix(const struct address *a, char text[static ADDRESS_TEXT_MAX]);

/* Same family and same address, whatever the prefixes. */
bool address_equal(const struct address *a, const struct address *b);

/* Is @a inside the network that @net and its prefix name? */
bool address_within(const struct address *a, const struct address *net);

/* The network of @a: host bits cleared. */
struct address address_network(const struct address *a);

/* Fe80::/10 and 169.254.0.0/16; never true for none. */
bool address_is_link_local(const struct address *a);

/* 127.0.0.0/8 and ::1; 0.0.0.0/8 and ::. Never true for none. */
bool address_is_loopback(const struct address *a);
bool address_is_unspecified(const struct address *a);

/* "ADDRESS:PORT" or "[IPV6]:PORT" of a struct sockaddr_in or _in6; a mapped address as v4. Returns @text. */
#define ADDRESS_PORT_TEXT_MAX (ADDRESS_TEXT_MAX + 8)
const char *address_port_text(const struct sockaddr *sa, char text[static ADDRESS_PORT_TEXT_MAX]);

/* Its port; 0 of any other. */
unsigned address_port(const struct sockaddr *sa);

/* From a struct sockaddr_in or _in6 (family 0 for any other); v4-mapped v6 becomes v4. */
struct address address_from_sockaddr(const struct sockaddr *sa);
