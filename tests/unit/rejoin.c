/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a connection would stay on one link, or on none, after a join was lost. Virtual time. */
#include "link/rejoin.h"

#include "base/clock.h"
#include "link/diag.h"

#include <linux/mptcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WLAN = 2, WWAN = 3, STEP = 10 };

struct world {
	struct rejoin rejoin;
	uint64_t now; /* ms */
	bool carries[2];
	unsigned lost;
	unsigned renewed[2];
	bool heals; /* a renewal brings a subflow */
};

static void renew(unsigned link, void *data)
{
	struct world *w = data;

	w->renewed[link - WLAN]++;
	if (w->heals)
		w->carries[link - WLAN] = true;
	if (w->heals)
		w->lost = 0;
}

static void begin(struct world *w)
{
	const struct rejoin_link links[] = {{.index = WLAN, .families = REJOIN_IPV4},
					    {.index = WWAN, .families = REJOIN_IPV4}};

	memset(w, 0, sizeof(*w));
	w->now = 1000;
	rejoin_links(&w->rejoin, links, 2);
}

static void step(struct world *w, unsigned ms)
{
	for (unsigned passed = 0; passed < ms; passed += STEP) {
		w->now += STEP;
		rejoin_look(&w->rejoin);
		for (unsigned i = 0; i < 2; i++)
			if (w->carries[i])
				rejoin_saw(&w->rejoin, WLAN + i, REJOIN_IPV4, true);
		rejoin_looked(&w->rejoin, w->now * NS_PER_MS, w->lost, renew, w);
	}
}

/* A node's links lead to different neighbours: it would close and open subflows for ever where nobody can be. */
static void a_link_to_neighbours_is_missed_only_where_it_was(void **state)
{
	const struct rejoin_link links[] = {
		{.index = WLAN, .families = REJOIN_IPV4, .local = true},
		{.index = WWAN, .families = REJOIN_IPV4, .local = true}};
	struct world w;

	begin(&w);
	rejoin_links(&w.rejoin, links, 2);
	w.carries[0] = true;
	step(&w, 5000);
	assert_int_equal(w.renewed[1], 0);
	w.carries[1] = true;
	step(&w, 100);
	w.carries[1] = false;
	step(&w, 1000);
	assert_true(w.renewed[1] > 0);
}

static void a_lost_join_is_tried_again(void **state)
{
	struct world w;

	begin(&w);
	w.carries[0] = w.heals = true;
	step(&w, 150);
	assert_int_equal(w.renewed[1], 0); /* the kernel may still be at it */
	step(&w, 150);
	assert_int_equal(w.renewed[1], 1);
	step(&w, 10000);
	assert_int_equal(w.renewed[0] + w.renewed[1], 1);
	assert_int_equal(rejoin_next(&w.rejoin), UINT64_MAX);
}

/* A peer that refuses joins would be asked without end. */
static void it_is_tried_ever_more_seldom(void **state)
{
	struct world w;

	begin(&w);
	w.carries[0] = true;
	step(&w, 10000);
	assert_in_range(w.renewed[1], 3, 7);
	w.renewed[1] = 0;
	step(&w, 600000);
	assert_in_range(w.renewed[1], 8, 14);
	assert_int_equal(w.renewed[0], 0);
}

/* It would stand still for ever. */
static void a_connection_without_subflows_is_helped(void **state)
{
	struct world w;

	begin(&w);
	w.lost = 1;
	step(&w, 250);
	assert_int_equal(w.renewed[0], 1);
	assert_int_equal(w.renewed[1], 1);
	begin(&w);
	w.lost = 1;
	w.carries[0] = w.carries[1] = w.heals = true; /* others are well */
	step(&w, 250);
	assert_int_equal(w.renewed[0], 1);
	assert_int_equal(w.renewed[1], 0);
}

/* Endpoints would be put in and out on a device that does nothing, or only accepts. */
static void without_connections_nothing_is_done(void **state)
{
	struct world w;

	begin(&w);
	step(&w, 5000);
	rejoin_look(&w.rejoin);
	rejoin_saw(&w.rejoin, WLAN, REJOIN_IPV4, false);
	rejoin_looked(&w.rejoin, w.now * NS_PER_MS, 0, renew, &w);
	w.now += 5000;
	rejoin_looked(&w.rejoin, w.now * NS_PER_MS, 0, renew, &w);
	assert_int_equal(w.renewed[0] + w.renewed[1], 0);
}

/* A connection over IPv6 does not lack an IPv4-only link. */
static void families_are_kept_apart(void **state)
{
	struct world w;

	begin(&w);
	for (unsigned i = 0; i < 100; i++) {
		rejoin_look(&w.rejoin);
		rejoin_saw(&w.rejoin, WLAN, REJOIN_IPV6, true);
		rejoin_looked(&w.rejoin, (w.now += STEP) * NS_PER_MS, 0, renew, &w);
	}
	assert_int_equal(w.renewed[0] + w.renewed[1], 0);
}

/* Lost: a server would ask again and again for subflows to clients behind a NAT; or a client for none. */
static void who_opened_may_join(void **state)
{
	struct diag_socket socket = {.state = DIAG_ESTABLISHED, .inode = 7};

	socket.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_LOC | MPTCP_SUBFLOW_FLAG_MCAP_REM;
	assert_true(diag_may_join(&socket));
	socket.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_LOC; /* the peer knows no MPTCP */
	assert_false(diag_may_join(&socket));
	socket.mptcp_flags = MPTCP_SUBFLOW_FLAG_MCAP_REM; /* accepted */
	assert_false(diag_may_join(&socket));
	socket.mptcp_flags = MPTCP_SUBFLOW_FLAG_JOIN_REM; /* the peer's */
	assert_false(diag_may_join(&socket));
	socket.mptcp_flags = MPTCP_SUBFLOW_FLAG_JOIN_LOC; /* it has been done */
	assert_true(diag_may_join(&socket));
	socket.state = DIAG_SYN_SENT;
	assert_false(diag_may_join(&socket));
	socket.state = DIAG_ESTABLISHED;
	socket.inode = 0; /* nobody's any more */
	assert_false(diag_may_join(&socket));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_to_neighbours_is_missed_only_where_it_was),
		cmocka_unit_test(a_lost_join_is_tried_again),
		cmocka_unit_test(it_is_tried_ever_more_seldom),
		cmocka_unit_test(a_connection_without_subflows_is_helped),
		cmocka_unit_test(without_connections_nothing_is_done),
		cmocka_unit_test(families_are_kept_apart),
		cmocka_unit_test(who_opened_may_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
