/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routes of a scenario's hosts: whether everything that can be reached is reached. */
#include "lab/routes.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOSTS 6
#define LINKS 6

/* A scenario that is built by hand; IPv4 link N is 10.0.N.0/24, its ends are .1 and .2, and the
 * same in fd00:N::/64. */
struct sketch {
	struct scenario scenario;
	struct scenario_host hosts[HOSTS];
	struct scenario_link links[LINKS];
	struct address addresses[LINKS][2][2];
	struct route *routes;
	unsigned count;
};

static struct sketch *sketch(unsigned hosts)
{
	struct sketch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->scenario.hosts = s->hosts;
	s->scenario.host_count = hosts;
	s->scenario.links = s->links;
	return s;
}

static struct scenario_link *join(struct sketch *s, unsigned a, unsigned b)
{
	unsigned n = s->scenario.link_count++;
	struct scenario_link *link = &s->links[n];

	for (unsigned end = 0; end < 2; end++) {
		char text[64];

		snprintf(text, sizeof(text), "10.0.%u.%u/24", n, end + 1);
		assert_int_equal(address_parse(text, &s->addresses[n][end][0]), 0);
		snprintf(text, sizeof(text), "fd00:%u::%u/64", n, end + 1);
		assert_int_equal(address_parse(text, &s->addresses[n][end][1]), 0);
		link->ends[end].host = end ? b : a;
		link->ends[end].addresses = s->addresses[n][end];
		link->ends[end].address_count = 2;
	}
	return link;
}

static void find(struct sketch *s)
{
	assert_int_equal(routes_find(&s->scenario, &s->routes, &s->count), 0);
}

static void drop(struct sketch *s)
{
	free(s->routes);
	free(s);
}

/* The @nth route of @host to @network ("0.0.0.0/0": default); NULL: there are fewer. */
static const struct route *route_to(const struct sketch *s, unsigned host, const char *network,
				    unsigned nth)
{
	struct address wanted;

	assert_int_equal(address_parse(network, &wanted), 0);
	for (unsigned i = 0; i < s->count; i++)
		if (s->routes[i].host == host && s->routes[i].network.prefix == wanted.prefix &&
		    address_equal(&s->routes[i].network, &wanted) && nth-- == 0)
			return &s->routes[i];
	return NULL;
}

static void assert_gateway(const struct route *route, const char *gateway)
{
	char text[ADDRESS_TEXT_MAX];

	assert_non_null(route);
	assert_string_equal(address_text(&route->gateway, text), gateway);
}

/* client - router - router - server: no ping would come through without routes in all four. */
static void test_chain(void **state)
{
	struct sketch *s = sketch(4);

	join(s, 0, 1);
	join(s, 1, 2);
	join(s, 2, 3);
	s->hosts[1].forward = s->hosts[2].forward = true;
	find(s);
	assert_gateway(route_to(s, 0, "10.0.2.0/24", 0), "10.0.0.2");
	assert_gateway(route_to(s, 0, "10.0.1.0/24", 0), "10.0.0.2");
	assert_gateway(route_to(s, 0, "fd00:2::/64", 0), "fd00::2");
	assert_gateway(route_to(s, 1, "10.0.2.0/24", 0), "10.0.1.2");
	assert_gateway(route_to(s, 2, "10.0.0.0/24", 0), "10.0.1.1");
	assert_gateway(route_to(s, 3, "10.0.0.0/24", 0), "10.0.2.1");
	/* What is attached, the kernel does itself. */
	assert_null(route_to(s, 0, "10.0.0.0/24", 0));
	assert_null(route_to(s, 1, "10.0.1.0/24", 0));
	assert_null(route_to(s, 0, "10.0.2.0/24", 1));
	drop(s);
}

/* A host that does not forward would swallow what is sent to it. */
static void test_no_forwarding(void **state)
{
	struct sketch *s = sketch(3);

	join(s, 0, 1);
	join(s, 1, 2);
	find(s);
	assert_int_equal(s->count, 0);
	drop(s);
}

/* From a home, everything is reached; from outside, nothing of the home is. */
static void test_translation(void **state)
{
	struct sketch *s = sketch(4);

	join(s, 0, 1);                     /* phone - home router */
	join(s, 1, 2)->ends[0].nat = true; /* home router - provider */
	join(s, 2, 3);                     /* provider - server */
	s->hosts[1].forward = s->hosts[2].forward = true;
	find(s);
	assert_gateway(route_to(s, 0, "10.0.2.0/24", 0), "10.0.0.2");
	assert_gateway(route_to(s, 1, "10.0.2.0/24", 0), "10.0.1.2");
	assert_gateway(route_to(s, 3, "10.0.1.0/24", 0), "10.0.2.1");
	assert_null(route_to(s, 2, "10.0.0.0/24", 0));
	assert_null(route_to(s, 3, "10.0.0.0/24", 0));
	drop(s);
}

/* Two links that both lead to the server: a multipath program needs a route over each, and a plain
 * one must prefer the first. */
static void test_two_paths(void **state)
{
	struct sketch *s = sketch(4);
	const struct route *first, *second;

	join(s, 0, 1);
	join(s, 0, 2);
	join(s, 1, 3);
	join(s, 2, 3);
	s->hosts[1].forward = s->hosts[2].forward = true;
	find(s);
	/* 10.0.2.0/24 is between the first router and the server: over the second router it is as
	 * far as the server, which does not forward; but that one is attached to it. */
	first = route_to(s, 0, "10.0.2.0/24", 0);
	assert_gateway(first, "10.0.0.2");
	assert_null(route_to(s, 0, "10.0.2.0/24", 1));

	s->hosts[3].forward = true;
	free(s->routes);
	find(s);
	first = route_to(s, 0, "10.0.2.0/24", 0);
	second = route_to(s, 0, "10.0.2.0/24", 1);
	assert_gateway(first, "10.0.0.2");
	assert_gateway(second, "10.0.1.2");
	assert_int_equal(first->link, 0);
	assert_int_equal(second->link, 1);
	assert_true(first->metric < second->metric);
	drop(s);
}

/* A ring: a neighbour that is farther from the goal than we are would send the packet back. */
static void test_no_loops(void **state)
{
	struct sketch *s = sketch(5);

	join(s, 0, 1);
	join(s, 1, 2); /* 10.0.1.0/24 is two hops from 0 by 1 */
	join(s, 0, 3);
	join(s, 3, 4);
	for (unsigned i = 0; i < 5; i++)
		s->hosts[i].forward = true;
	find(s);
	assert_gateway(route_to(s, 0, "10.0.1.0/24", 0), "10.0.0.2");
	assert_null(route_to(s, 0, "10.0.1.0/24", 1)); /* not by 3, which only knows 0 */
	drop(s);
}

/* Several gateways: the first link's is used unless a program chooses another. */
static void test_gateways(void **state)
{
	struct sketch *s = sketch(2);
	const struct route *first, *second;

	for (unsigned i = 0; i < 2; i++) {
		struct scenario_link *link = join(s, 0, 1);

		link->ends[0].gateway4 = s->addresses[i][1][0];
		link->ends[0].gateway6 = s->addresses[i][1][1];
	}
	find(s);
	first = route_to(s, 0, "0.0.0.0/0", 0);
	second = route_to(s, 0, "0.0.0.0/0", 1);
	assert_gateway(first, "10.0.0.2");
	assert_gateway(second, "10.0.1.2");
	assert_true(first->metric >= 100 && first->metric < second->metric);
	assert_gateway(route_to(s, 0, "::/0", 0), "fd00::2");
	assert_int_equal(s->count, 4);
	drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),       cmocka_unit_test(test_no_forwarding),
		cmocka_unit_test(test_translation), cmocka_unit_test(test_two_paths),
		cmocka_unit_test(test_no_loops),    cmocka_unit_test(test_gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
