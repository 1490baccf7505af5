/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without this, an upload on stack lkl whose link goes would send again what has arrived, in front of what was lost; or stand still for
 * nothing, or lose its last subflow. */
#include "lkl/flows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WIFI = 2, LTE, OTHER };

static struct flows flows;

static int forget(void **state)
{
	flows.count = 0;
	return 0;
}

static void has(uint32_t connection, unsigned link, uint32_t unacked, uint32_t last_ack,
		uint32_t rtt_min)
{
	flows_add(&flows,
		  &(struct diag_socket){.inode = connection,
					.bytes_acked = 1,
					.unacked = unacked,
					.last_ack = last_ack,
					.rtt_min = rtt_min},
		  link);
}

static void until_what_arrived_is_known_to_have(void **state)
{
	has(1, WIFI, 100, 0, 10000);
	has(1, LTE, 100, 0, 40000);
	has(2, WIFI, 100, 15, 10000);
	has(2, LTE, 100, 0, 40000);
	assert_in_range(flows_settle(&flows, WIFI), 20, 22);
	assert_false(flows_cut_off(&flows, WIFI));
	/* By the quickest that is left. */
	has(1, OTHER, 0, 0, 20000);
	assert_in_range(flows_settle(&flows, WIFI), 10, 12);
}

static void no_longer_than_it_tells(void **state)
{
	has(1, WIFI, 100, 15, 10000);
	has(1, LTE, 100, 0, 40000);
	assert_in_range(flows_settle(&flows, WIFI), 5, 7);
	/* One that was found silent. */
	flows.all[0].last_ack = 80;
	assert_int_equal(flows_settle(&flows, WIFI), 0);
	/* A satellite is no reason to stand still. */
	flows.all[0].last_ack = 0;
	flows.all[1].rtt_min = 600000;
	assert_in_range(flows_settle(&flows, WIFI), 20, 100);
}

/* A download, a few bytes, a connection that has nothing else, another link. */
static void nothing_to_wait_for(void **state)
{
	assert_int_equal(flows_settle(&flows, WIFI), 0);
	has(1, WIFI, 0, 0, 10000);
	has(1, LTE, 100, 0, 40000);
	has(2, WIFI, 3, 0, 10000);
	has(2, LTE, 0, 0, 40000);
	assert_int_equal(flows_settle(&flows, WIFI), 0);
	assert_false(flows_cut_off(&flows, WIFI));
	has(3, WIFI, 100, 0, 10000);
	assert_int_equal(flows_settle(&flows, WIFI), 0);
	assert_true(flows_cut_off(&flows, WIFI));
	assert_int_equal(flows_settle(&flows, OTHER), 0);
	assert_false(flows_cut_off(&flows, OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(until_what_arrived_is_known_to_have, forget),
		cmocka_unit_test_setup(no_longer_than_it_tells, forget),
		cmocka_unit_test_setup(nothing_to_wait_for, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
