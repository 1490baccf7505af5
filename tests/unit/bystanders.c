/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who would lose what by a link that goes, and for how long that is better kept. */
#include "run/bystanders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#define WIFI "10.1.0.2"
#define LTE  "10.2.0.2"

static struct address address(const char *text)
{
	struct address ret;

	assert_int_equal(address_parse(text, &ret), 0);
	return ret;
}

static struct bystander flow(uint32_t connection, const char *local, uint32_t unacked,
			     uint32_t rtt_min)
{
	return (struct bystander){.connection = connection,
				  .local = address(local),
				  .proven = true,
				  .unacked = unacked,
				  .rtt_min = rtt_min};
}

/* Wi-Fi goes. */
static struct bystanders goes(struct bystander *flows, unsigned count)
{
	return (struct bystanders){
		.flows = flows, .count = count, .endpoints = {address(WIFI)}, .endpoint_count = 1};
}

/* An upload would send again what has arrived, in front of what was lost. */
static void until_what_arrived_is_known_to_have(void **state)
{
	struct bystander flows[] = {flow(1, WIFI, 100, 10000), flow(1, LTE, 100, 40000)};
	struct bystanders b = goes(flows, 2);

	assert_in_range(bystanders_settle(&b), 20, 22);
	/* What was acknowledged a while ago is known already; a link that was found silent is left at once. */
	flows[0].last_ack = 15;
	assert_in_range(bystanders_settle(&b), 5, 7);
	flows[0].last_ack = 80;
	assert_int_equal(bystanders_settle(&b), 0);
	/* It does not grow with the distance: a satellite is no reason to stand still. */
	flows[0].last_ack = 0;
	flows[1].rtt_min = 600000;
	assert_in_range(bystanders_settle(&b), 20, 100);
}

/* A download, a few bytes, and a connection that has nothing else would wait for nothing. */
static void nothing_to_wait_for(void **state)
{
	struct bystander flows[] = {flow(1, WIFI, 0, 10000), flow(1, LTE, 100, 40000),
				    flow(2, WIFI, 3, 10000), flow(2, LTE, 0, 40000),
				    flow(3, WIFI, 100, 10000)};
	struct bystanders b = goes(flows, 5);

	assert_int_equal(bystanders_settle(&b), 0);
	assert_int_equal(bystanders_settle(&(struct bystanders){0}), 0);
	/* The link that goes is another one. */
	b.endpoints[0] = address("10.3.0.2");
	assert_int_equal(bystanders_settle(&b), 0);
}

/* The one that waits longest is waited for, by the quickest of what it has left. */
static void of_several(void **state)
{
	struct bystander flows[] = {flow(1, WIFI, 100, 10000), flow(1, LTE, 100, 40000),
				    flow(1, "10.4.0.2", 0, 20000), flow(2, WIFI, 100, 10000),
				    flow(2, LTE, 100, 60000)};
	struct bystanders b = goes(flows, 5);

	assert_in_range(bystanders_settle(&b), 30, 32);
	b.count = 3;
	assert_in_range(bystanders_settle(&b), 10, 12);
}

/* A connection would lose its last subflow. */
static void cut_off(void **state)
{
	struct bystander flows[] = {flow(1, WIFI, 0, 0), flow(1, LTE, 0, 0)};
	struct bystanders b = goes(flows, 2);
	struct address wifi = address(WIFI);

	assert_false(bystanders_cut_off(&b, &wifi));
	flows[1].proven = false;
	assert_true(bystanders_cut_off(&b, &wifi));
	b.count = 1;
	assert_true(bystanders_cut_off(&b, &wifi));
}

/* Lost: a process that is short of descriptors or memory for a moment would cut off whoever lives on what it takes back. */
static void who_cannot_be_seen_may_be_there(void **state)
{
	const struct change endpoint = {.kind = CHANGE_ENDPOINT,
					.endpoint = {.address = address(WIFI)}},
			    limits = {.kind = CHANGE_LIMITS};
	struct address wifi = address(WIFI);
	struct netstack netstack = {0};
	struct rlimit was, none;
	struct bystanders b;

	assert_int_equal(nl_open(&netstack.route, NETLINK_ROUTE), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bystanders_look_at(&b, &netstack, &wifi, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(bystanders_cut_off(&b, &wifi));
	assert_true(bystanders_need(&endpoint, &b));
	assert_false(bystanders_need(&limits, &b));
	bystanders_free(&b);
	bystanders_look_at(&b, &netstack, &wifi, 1);
	assert_false(bystanders_need(&endpoint, &b));
	bystanders_free(&b);
	nl_close(netstack.route);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(until_what_arrived_is_known_to_have),
		cmocka_unit_test(nothing_to_wait_for),
		cmocka_unit_test(of_several),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(who_cannot_be_seen_may_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
