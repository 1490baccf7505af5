/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a mistyped address would be taken for another one. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void parses_and_prints(void **state)
{
	const char *const good[] = {"10.0.0.1/8", "0.0.0.0/0", "fd00::1/64", "::/0",
				    "192.0.2.1/32"};
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(address_parse(good[i], &a), 0);
		assert_string_equal(address_text_prefix(&a, text), good[i]);
	}
	assert_int_equal(address_parse("10.0.0.1", &a), 0);
	assert_int_equal(a.prefix, 32);
}

static void refuses_nonsense(void **state)
{
	const char *const bad[] = {"",
				   "10.0.0",
				   "10.0.0.1/33",
				   "10.0.0.1/",
				   "10.0.0.1/-1",
				   "10.0.0.1/8x",
				   "fd00::1/129",
				   "fd00::g",
				   " 10.0.0.1",
				   "10.0.0.256",
				   "10.0.0.1/99999999999999999999",
				   "1111111111111111111111111111111111111111111111111111111111"};
	struct address a;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(address_parse(bad[i], &a), -EINVAL);
}

static void compares_networks(void **state)
{
	struct address net, in, out, v6;

	address_parse("10.1.2.3/20", &net);
	address_parse("10.1.15.255", &in);
	address_parse("10.1.16.0", &out);
	address_parse("fd00::1", &v6);
	assert_true(address_within(&in, &net));
	assert_false(address_within(&out, &net));
	assert_false(address_within(&v6, &net));
	assert_true(
		address_is_link_local(&(struct address){.family = AF_INET, .bytes = {169, 254}}));
	assert_false(address_is_link_local(&v6));
}

/* A server that listens on :: would show its IPv4 peers under an address that no link has. */
static void unwraps_mapped_addresses(void **state)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6};
	struct address a;
	char text[ADDRESS_TEXT_MAX];

	inet_pton(AF_INET6, "::ffff:10.0.0.7", &sa.sin6_addr);
	a = address_from_sockaddr((struct sockaddr *)&sa);
	assert_int_equal(a.family, AF_INET);
	assert_string_equal(address_text(&a, text), "10.0.0.7");
}

static void prints_ports(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(65535)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	char text[ADDRESS_PORT_TEXT_MAX];

	inet_pton(AF_INET, "192.0.2.255", &v4.sin_addr);
	assert_string_equal(address_port_text((struct sockaddr *)&v4, text), "192.0.2.255:65535");
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	assert_string_equal(address_port_text((struct sockaddr *)&v6, text), "[2001:db8::1]:80");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
	assert_string_equal(address_port_text((struct sockaddr *)&v6, text), "192.0.2.1:80");
}

static void knows_the_loopback(void **state)
{
	static const struct {
		const char *text;
		bool loopback, unspecified;
	} all[] = {{"127.0.0.1", true, false},  {"127.9.8.7", true, false},
		   {"128.0.0.1", false, false}, {"::1", true, false},
		   {"::2", false, false},       {"0.0.0.0", false, true},
		   {"::", false, true}};
	struct address a = {0};

	assert_false(address_is_loopback(&a) || address_is_unspecified(&a));
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(address_parse(all[i].text, &a), 0);
		assert_int_equal(address_is_loopback(&a), all[i].loopback);
		assert_int_equal(address_is_unspecified(&a), all[i].unspecified);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_prints), cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(compares_networks), cmocka_unit_test(knows_the_loopback),
		cmocka_unit_test(prints_ports),      cmocka_unit_test(unwraps_mapped_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
