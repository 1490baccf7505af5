/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost if this fails: MPTCP towards a server that speaks it, or bytes of one that does not. */
#include "stack/plain.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct sockaddr *v4(uint8_t host, uint16_t port)
{
	static struct sockaddr_in sa;

	memset(&sa, 0x55, sizeof(sa)); /* what is behind an address is no part of it */
	sa.sin_family = AF_INET;
	sa.sin_port = htons(port);
	sa.sin_addr.s_addr = htonl(0x0a000000u + host);
	return (const struct sockaddr *)&sa;
}

static void remembers_for_a_while(void **state)
{
	static struct plain plain;
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	uint64_t now = 1000 * NS_PER_S;

	assert_false(plain_is(&plain, v4(1, 80), now));
	plain_note(&plain, v4(1, 80), now);
	assert_true(plain_is(&plain, v4(1, 80), now));
	assert_false(plain_is(&plain, v4(1, 81), now));
	assert_false(plain_is(&plain, v4(2, 80), now));
	assert_false(plain_is(&plain, (const struct sockaddr *)&v6, now));
	plain_note(&plain, (const struct sockaddr *)&v6, now);
	assert_true(plain_is(&plain, (const struct sockaddr *)&v6, now));
	/* What is said again does not make it longer: MPTCP is tried now and then. */
	plain_note(&plain, v4(1, 80), now + 300 * NS_PER_S);
	assert_true(plain_is(&plain, v4(1, 80), now + 599 * NS_PER_S));
	assert_false(plain_is(&plain, v4(1, 80), now + 600 * NS_PER_S));
	plain_note(&plain, v4(1, 80), now + 600 * NS_PER_S);
	assert_true(plain_is(&plain, v4(1, 80), now + 1199 * NS_PER_S));
	/* The oldest go first. */
	for (unsigned i = 0; i < PLAIN_MAX; i++)
		plain_note(&plain, v4(3, (uint16_t)(1000 + i)), now);
	assert_false(plain_is(&plain, v4(1, 80), now + 601 * NS_PER_S));
	assert_true(plain_is(&plain, v4(3, 1000 + PLAIN_MAX - 1), now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
