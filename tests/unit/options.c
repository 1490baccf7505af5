/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/options.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum option_answer answer(int level, int name, enum option_direction direction)
{
	return options_how(level, name, direction).answer;
}

/* Lost: options that each connection sets would cost a question each. */
static void test_frequent_options_cost_nothing(void **state)
{
	static const int frequent[][2] = {
		{SOL_SOCKET, SO_KEEPALIVE},   {SOL_SOCKET, SO_ERROR},
		{SOL_SOCKET, SO_SNDBUF},      {SOL_SOCKET, SO_RCVBUF},
		{SOL_SOCKET, SO_LINGER},      {IPPROTO_TCP, TCP_NODELAY},
		{IPPROTO_TCP, TCP_CORK},      {IPPROTO_TCP, TCP_INFO},
		{IPPROTO_TCP, TCP_KEEPIDLE},  {IPPROTO_TCP, TCP_KEEPCNT},
		{IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_MAXSEG},
		{IPPROTO_IP, IP_TOS},         {IPPROTO_IPV6, IPV6_V6ONLY},
	};
	struct option_traps traps = options_traps();

	for (size_t i = 0; i < sizeof(frequent) / sizeof(frequent[0]); i++) {
		assert_false(options_trapped(&traps, frequent[i][0], frequent[i][1], OPTION_GET));
		if (frequent[i][1] != SO_ERROR && frequent[i][1] != TCP_INFO)
			assert_false(options_trapped(&traps, frequent[i][0], frequent[i][1],
						     OPTION_SET));
	}
}

/* Lost: a program would hear from MPTCP what it does not expect. */
static void test_what_mptcp_refuses_is_answered(void **state)
{
	assert_int_equal(answer(IPPROTO_TCP, TCP_USER_TIMEOUT, OPTION_SET), OPTION_MODEL);
	assert_int_equal(answer(IPPROTO_TCP, TCP_QUICKACK, OPTION_SET), OPTION_MODEL);
	assert_int_equal(answer(IPPROTO_IP, IP_TTL, OPTION_GET), OPTION_MODEL);
	assert_int_equal(answer(SOL_SOCKET, SO_PROTOCOL, OPTION_GET), OPTION_MODEL);
	assert_int_equal(answer(SOL_SOCKET, SO_MAX_PACING_RATE, OPTION_SET), OPTION_MODEL);
	assert_int_equal(answer(IPPROTO_IP, IP_MTU, OPTION_GET), OPTION_ROUTE);
	assert_int_equal(answer(SOL_SOCKET, SO_REUSEADDR, OPTION_SET), OPTION_UNTIL_CONNECTED);
	assert_int_equal(options_how(IPPROTO_TCP, TCP_ULP, OPTION_SET).error, ENOENT);
}

/* Lost: a promise that is not kept: lost filters, bytes peeked at twice, buffers never given back;
 * or the supervisor's memory in a program's hands, for these hold addresses and descriptors. */
static void test_what_cannot_be_imitated_is_left(void **state)
{
	static const int left[][2] = {
		{SOL_SOCKET, SO_ATTACH_FILTER},
		{SOL_SOCKET, SO_ATTACH_BPF},
		{SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF},
		{SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF},
		{SOL_SOCKET, SO_PEEK_OFF},
		{SOL_SOCKET, SO_ZEROCOPY},
		{IPPROTO_IP, 64},
		{IPPROTO_IP, 80},
		{IPPROTO_IPV6, 64},
		{IPPROTO_IPV6, 80},
	};
	struct option_traps traps = options_traps();

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		assert_int_equal(answer(left[i][0], left[i][1], OPTION_SET), OPTION_LEFT);
		assert_false(options_trapped(&traps, left[i][0], left[i][1], OPTION_SET));
	}
	assert_int_equal(answer(IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, OPTION_GET), OPTION_LEFT);
}

/* Lost: what a program sets could not be got, or would be got from where it was not put. */
static void test_what_is_remembered_is_got(void **state)
{
	for (unsigned l = 0; l < OPTION_LEVELS; l++) {
		for (int n = 0; n < OPTION_NAMES; n++) {
			int level = option_levels[l];
			enum option_answer set = answer(level, n, OPTION_SET);

			if (set == OPTION_UNTIL_CONNECTED)
				assert_int_equal(answer(level, n, OPTION_GET), set);
			if (set == OPTION_KERNEL)
				assert_int_equal(answer(level, n, OPTION_GET), OPTION_KERNEL);
			if (set == OPTION_REFUSED)
				assert_true(options_how(level, n, OPTION_SET).error > 0);
		}
	}
}

/* Lost: any number in a register would be an index. */
static void test_any_number_may_be_asked(void **state)
{
	static const int numbers[] = {INT_MIN, -1, 84, OPTION_NAMES - 1, OPTION_NAMES, INT_MAX};
	struct option_traps traps = options_traps();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (unsigned l = 0; l < OPTION_LEVELS; l++) {
			assert_int_equal(answer(option_levels[l], numbers[i], OPTION_GET),
					 OPTION_LEFT);
			assert_false(
				options_trapped(&traps, option_levels[l], numbers[i], OPTION_SET));
		}
		assert_false(options_trapped(&traps, numbers[i], SO_PROTOCOL, OPTION_GET));
	}
}

static bool matched(const struct option_block *blocks, unsigned count, unsigned name)
{
	unsigned times = 0;

	for (unsigned i = 0; i < count; i++)
		times += (name & blocks[i].mask) == blocks[i].value;
	assert_true(times <= 1);
	return times == 1;
}

static unsigned check_blocks(const bool wanted[static OPTION_NAMES],
			     const bool spared[static OPTION_NAMES])
{
	struct option_block blocks[OPTION_NAMES];
	unsigned count = options_blocks(wanted, spared, blocks);

	for (unsigned n = 0; n < OPTION_NAMES; n++) {
		if (wanted[n])
			assert_true(matched(blocks, count, n));
		if (spared[n])
			assert_false(matched(blocks, count, n));
	}
	assert_false(matched(blocks, count, OPTION_NAMES));
	assert_false(matched(blocks, count, UINT_MAX));
	return count;
}

/* Lost: the filter would not ask about what the table says, or ask about what is called often. */
static void test_blocks_have_what_is_wanted(void **state)
{
	bool wanted[OPTION_NAMES] = {0}, spared[OPTION_NAMES] = {0};
	uint32_t random = 1;

	assert_int_equal(check_blocks(wanted, spared), 0);
	wanted[77] = true;
	assert_int_equal(check_blocks(wanted, spared), 1); /* all */
	memset(wanted, true, sizeof(wanted));
	assert_int_equal(check_blocks(wanted, spared), 1);
	wanted[0] = false;
	assert_int_equal(check_blocks(wanted, spared), 1);
	spared[0] = true;
	assert_int_equal(check_blocks(wanted, spared), 7); /* 1, 2-3, 4-7 ... 64-127 */
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned n = 0; n < OPTION_NAMES; n++) {
			random = random * 1664525 + 1013904223;
			wanted[n] = random >> 31;
			spared[n] = !wanted[n] && (random >> 30 & 1);
		}
		check_blocks(wanted, spared);
	}
}

/* Lost: each connection would be asked about its options. */
static void test_what_is_often_called_is_spared(void **state)
{
	const struct option_traps traps = options_traps();
	bool spared[OPTION_NAMES];

	options_spared(&traps, 1, OPTION_SET, spared);
	assert_true(spared[TCP_NODELAY]);
	options_spared(&traps, 0, OPTION_GET, spared);
	assert_true(spared[SO_ERROR]);
	options_spared(&traps, 0, OPTION_SET, spared);
	assert_false(spared[SO_REUSEADDR]); /* often, but what it does is ours */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frequent_options_cost_nothing),
		cmocka_unit_test(test_what_mptcp_refuses_is_answered),
		cmocka_unit_test(test_what_cannot_be_imitated_is_left),
		cmocka_unit_test(test_what_is_remembered_is_got),
		cmocka_unit_test(test_any_number_may_be_asked),
		cmocka_unit_test(test_blocks_have_what_is_wanted),
		cmocka_unit_test(test_what_is_often_called_is_spared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
