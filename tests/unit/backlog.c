/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bound on send buffers: who would be slowed down, and when. */
#include "link/backlog.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#define MBIT (1000000 / 8)

static void saw(struct backlog *b, const char *from, const char *to, uint64_t rate, uint32_t rtt)
{
	struct diag_socket socket = {
		.state = DIAG_ESTABLISHED, .unacked = 1, .delivery_rate = rate, .rtt_min = rtt};

	assert_int_equal(address_parse(from, &socket.local), 0);
	assert_int_equal(address_parse(to, &socket.remote), 0);
	backlog_saw(b, &socket);
}

static bool look(struct backlog *b, uint64_t ms, bool wanted, uint64_t rate, uint32_t rtt_ms)
{
	backlog_look(b);
	saw(b, "10.0.0.1", "10.0.0.2", 1 * MBIT, 1000);
	saw(b, "10.0.0.1", "10.0.0.2", rate, rtt_ms * 1000);
	return backlog_looked(b, ms * NS_PER_MS, wanted);
}

/* A socket could not fill its path, or its rate could never grow. */
static void the_neediest_has_room_to_double(void **state)
{
	const struct {
		uint64_t rate;
		uint32_t rtt;
	} paths[] = {{MBIT, 1}, {50 * MBIT, 10}, {20 * MBIT, 600}, {1000 * MBIT, 1}};

	for (unsigned i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct backlog b = {0};

		assert_true(look(&b, 1, true, paths[i].rate, paths[i].rtt));
		assert_true(b.bytes >= 2 * paths[i].rate * paths[i].rtt / 1000);
		assert_true(b.bytes >= BACKLOG_MIN);
		/* As little as that allows: what was lost is not to wait behind it. */
		assert_true(b.bytes == BACKLOG_MIN ||
			    b.bytes / 2 <= paths[i].rate * (2 * paths[i].rtt + 60) / 1000);
	}
}

/* An upload that begins to fly would be held down; one that pauses would lose its bound. */
static void up_at_once_down_late(void **state)
{
	struct backlog b = {0};
	uint32_t low;

	assert_true(look(&b, 1000, true, 20 * MBIT, 10));
	low = b.bytes;
	assert_true(look(&b, 1015, true, 200 * MBIT, 10));
	assert_true(b.bytes > low);
	assert_false(look(&b, 1030, true, 20 * MBIT, 10));
	assert_false(look(&b, 1900, true, 200 * MBIT, 10));
	assert_false(look(&b, 2800, true, 20 * MBIT, 10));
	assert_true(look(&b, 2950, true, 20 * MBIT, 10));
	assert_int_equal(b.bytes, low);
}

/* A host would be left with a bound that nobody needs. */
static void nobody_wants_it(void **state)
{
	struct backlog b = {0};

	assert_false(look(&b, 0, false, 20 * MBIT, 10));
	assert_true(look(&b, 10, true, 20 * MBIT, 10));
	assert_false(look(&b, 500, false, 20 * MBIT, 10));
	assert_true(look(&b, 1100, false, 20 * MBIT, 10));
	assert_int_equal(b.bytes, 0);
}

/* With a relay an upload would be bounded by the way to its agent, which is as fast as memory: not at all. */
static void what_does_not_leave_the_host(void **state)
{
	struct backlog b = {0};

	backlog_look(&b);
	saw(&b, "127.0.0.1", "127.0.0.1", 10000ull * MBIT, 20);
	saw(&b, "::1", "::1", 10000ull * MBIT, 20);
	saw(&b, "10.0.0.1", "10.0.0.1", 10000ull * MBIT, 20);
	assert_true(backlog_looked(&b, 1, true));
	assert_int_equal(b.bytes, BACKLOG_MIN);
}

static void saw_subflow(struct backlog *b, uint32_t connection, uint64_t rate, uint32_t rtt_ms)
{
	struct diag_socket socket = {.state = DIAG_ESTABLISHED,
				     .mptcp = true,
				     .inode = connection,
				     .unacked = 1,
				     .delivery_rate = rate,
				     .rtt_min = rtt_ms * 1000};

	assert_int_equal(address_parse("10.0.0.1", &socket.local), 0);
	assert_int_equal(address_parse("10.0.0.2", &socket.remote), 0);
	backlog_saw(b, &socket);
}

/* What a link loses would wait behind a fifth of a second on the other one, or none of them could be filled. */
static void subflows_share(void **state)
{
	struct backlog b = {0};
	uint64_t together = (50 + 20) * MBIT, alone;

	backlog_look(&b);
	saw_subflow(&b, 7, 50 * MBIT, 30);
	saw_subflow(&b, 7, 20 * MBIT, 60);
	assert_true(backlog_looked(&b, 1, true));
	assert_in_range(2 * b.bytes, together * 60 * 5 / 4 / 1000, together * 120 / 1000);
	/* As if it were alone: what it shares with nobody. */
	alone = b.bytes;
	backlog_look(&b);
	saw_subflow(&b, 7, 50 * MBIT, 30);
	saw_subflow(&b, 8, 20 * MBIT, 60);
	assert_true(backlog_looked(&b, 2, true));
	assert_true(b.bytes > alone && b.bytes >= 2ul * 50 * MBIT * 30 / 1000);
}

/* The faster one with the longer way would be held down by its neighbour's idle share. */
static void none_gets_less_than_it_needs(void **state)
{
	struct backlog b = {0};

	backlog_look(&b);
	saw_subflow(&b, 7, 100 * MBIT, 100);
	saw_subflow(&b, 7, 1 * MBIT, 10);
	assert_true(backlog_looked(&b, 1, true));
	assert_true(b.bytes >= 100ul * MBIT * 100 * 5 / 4 / 1000);
}

/* More connections than there is room for. */
static void a_crowd(void **state)
{
	struct backlog b = {0};

	backlog_look(&b);
	for (uint32_t i = 1; i <= 2 * BACKLOG_CONNECTIONS; i++) {
		saw_subflow(&b, i, 50 * MBIT, 30);
		saw_subflow(&b, i, 20 * MBIT, 60);
	}
	assert_true(backlog_looked(&b, 1, true));
	assert_true(b.bytes >= 2ul * 50 * MBIT * 30 / 1000);
}

/* A kernel that tells nonsense. */
static void absurd_figures(void **state)
{
	struct backlog b = {0};

	backlog_look(&b);
	saw(&b, "10.0.0.1", "10.0.0.2", UINT64_MAX, UINT32_MAX);
	assert_true(backlog_looked(&b, 1, true));
	assert_true(b.bytes >= BACKLOG_MIN);
	backlog_look(&b);
	for (unsigned i = 0; i < 3; i++)
		saw_subflow(&b, 7, UINT64_MAX, 4000000);
	backlog_looked(&b, 2, true);
	assert_true(b.bytes >= BACKLOG_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_neediest_has_room_to_double),
		cmocka_unit_test(up_at_once_down_late),
		cmocka_unit_test(nobody_wants_it),
		cmocka_unit_test(what_does_not_leave_the_host),
		cmocka_unit_test(subflows_share),
		cmocka_unit_test(none_gets_less_than_it_needs),
		cmocka_unit_test(a_crowd),
		cmocka_unit_test(absurd_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
