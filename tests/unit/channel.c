/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emulated link in virtual time: when packets come, and which ones find room. */
#include "channel_link.h"

#include "base/cleanup.h"
#include "lab/random.h"

#include <math.h>

/* Throughput in the lab would not be that of the link in the scenario. */
static void test_rate(void **state)
{
	static const uint64_t rates[] = {MBIT,        10 * MBIT,    100 * MBIT, 1000 * MBIT,
					 2500 * MBIT, 10000 * MBIT, 1234567,    33333333};
	static const uint32_t sizes[] = {64, 1514, 65549};

	for (size_t i = 0; i < ARRAY_SIZE(rates) * ARRAY_SIZE(sizes); i++) {
		uint64_t rate = rates[i / ARRAY_SIZE(sizes)];
		uint32_t size = sizes[i % ARRAY_SIZE(sizes)];
		struct shape shape = {.rate = rate};
		uint64_t bytes = 0, due, n = 1;
		struct link link;

		if (rate / size > 50 * MBIT) /* more packets than add to the test */
			continue;
		link_open(&link, &shape, SEED);
		push(&link, size, 0);
		push(&link, size, 0);
		for (; (due = pop_due(&link)) <= NS_PER_S; n++) {
			unsigned __int128 work = (unsigned __int128)n * size * 8 * NS_PER_S;

			assert_int_equal(due, (uint64_t)((work + rate - 1) / rate)); /* no drift */
			bytes += size;
			push(&link, size, due);
		}
		assert_true(bytes * 8 <= rate);
		if (rate > 100ULL * size * 8)
			assert_true((double)bytes * 8 >= 0.99 * (double)rate);
		link_close(&link);
	}
}

/* On a busy machine the emulator wakes up late: the link would be slower than configured. */
static void test_late_owner(void **state)
{
	struct shape shape = {.rate = 10 * MBIT, .delay = 5 * NS_PER_MS, .queue_packets = 100};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 100; i++)
		push(&link, 1250, 0);
	/* 1 ms a packet: 10 have left by now, so ten more find room and only ten. */
	for (unsigned i = 0; i < 20; i++)
		push(&link, 1250, 10 * NS_PER_MS);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 10);
	for (unsigned i = 1; i <= 110; i++) {
		struct packet *packet = pop(&link, 3600 * NS_PER_S);

		assert_non_null(packet);
		assert_int_equal(packet->due, (i + 5) * NS_PER_MS);
		free(packet);
	}
	assert_null(pop(&link, 3600 * NS_PER_S));
	link_close(&link);
}

/* An idle link would save up rate, or a busy one would be interrupted. */
static void test_idle(void **state)
{
	struct shape shape = {.rate = 8 * MBIT};
	struct link link;

	link_open(&link, &shape, SEED);
	push(&link, 1000, 5 * NS_PER_S);
	assert_int_equal(pop_due(&link), 5 * NS_PER_S + NS_PER_MS);
	push(&link, 1000, 9 * NS_PER_S);
	push(&link, 1000, 9 * NS_PER_S + 500 * NS_PER_US);
	assert_int_equal(pop_due(&link), 9 * NS_PER_S + NS_PER_MS);
	assert_int_equal(pop_due(&link), 9 * NS_PER_S + 2 * NS_PER_MS);
	link_close(&link);
}

/* Round-trip times in the lab would be wrong. */
static void test_delay(void **state)
{
	struct shape shape = {.delay = 20 * NS_PER_MS};
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t i = 0; i < 1000; i++)
		push(&link, 1514, i * 777);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(pop_due(&link), i * 777 + 20 * NS_PER_MS);
	assert_int_equal(channel_next(link.channel), CHANNEL_NEVER);
	assert_int_equal(link.stats.queue_packets_max, 0);
	link_close(&link);
}

/* An unlimited link without delay is the lab's fast path: nothing may stay in it. */
static void test_nothing_configured(void **state)
{
	struct shape shape = {};
	struct link link;

	link_open(&link, &shape, SEED);
	assert_int_equal(channel_next(link.channel), CHANNEL_NEVER);
	for (uint64_t i = 0; i < 100; i++) {
		push(&link, 65549, i);
		assert_int_equal(channel_next(link.channel), i);
		assert_int_equal(drain(&link, i), 1);
	}
	assert_int_equal(link.stats.bytes, 6554900);
	assert_int_equal(link.stats.offered_bytes, 6554900);
	link_close(&link);
}

/* A recorded link would not be replayed as it was. */
static void test_trace(void **state)
{
	struct trace *trace = parse("1\n1\n3\n7\n");
	struct shape shape = {.trace = trace};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 40; i++)
		push(&link, TRACE_OPPORTUNITY, 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(pop_due(&link), trace_opportunity(trace, i));

	/* It is 70 ms now. What nobody uses is lost: at 74.5 the one at 77 is next. */
	push(&link, 100, 74 * NS_PER_MS + NS_PER_MS / 2);
	assert_int_equal(pop_due(&link), 77 * NS_PER_MS);
	/* Who comes at that very moment shares it as far as it goes. */
	push(&link, 1414, 77 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 77 * NS_PER_MS);
	push(&link, 1, 77 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 78 * NS_PER_MS);
	/* Later the rest of it is gone, but there were two at 78 ms. */
	push(&link, 100, 78 * NS_PER_MS + 1);
	assert_int_equal(pop_due(&link), 80 * NS_PER_MS);

	/* A large packet takes several, and shares the last one. */
	push(&link, 2 * TRACE_OPPORTUNITY + 14, 81 * NS_PER_MS);
	push(&link, 1500, 81 * NS_PER_MS);
	push(&link, 1500, 81 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 85 * NS_PER_MS); /* 84 85 85 */
	assert_int_equal(pop_due(&link), 85 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 87 * NS_PER_MS);
	link_close(&link);
	trace_free(trace);
}

/* The same, against the plainest replay there is: walk through the opportunities one by one. */
static void test_trace_plain(void **state)
{
	enum { COUNT = 3000 };
	struct trace *trace = parse("0\n0\n0\n2\n3\n3\n9\n15\n15\n40\n41\n42\n42\n");
	struct shape shape = {.trace = trace};
	struct random random = {SEED};
	uint64_t came[COUNT], now = 0, opportunity = 0;
	uint32_t size[COUNT], left = 0;
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < COUNT; i++) { /* never at a whole millisecond */
		now += random_below(&random, 4) ? 0 : random_below(&random, 20) * NS_PER_MS / 3;
		came[i] = now + 1;
		size[i] = (uint32_t)random_below(&random, random_below(&random, 9) ? 1515 : 9000);
		size[i] = size[i] ? size[i] : 1;
		push(&link, size[i], came[i]);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t due;

		for (uint32_t missing = size[i]; missing;) {
			uint32_t part;

			due = opportunity ? trace_opportunity(trace, opportunity - 1) : 0;
			if (left == 0 || due < came[i]) {
				opportunity++;
				left = TRACE_OPPORTUNITY;
				continue;
			}
			part = missing < left ? missing : left;
			missing -= part;
			left -= part;
		}
		assert_int_equal(pop_due(&link), due);
	}
	link_close(&link);
	trace_free(trace);
}

/* A queue limit in packets would make buffers of another length than configured. */
static void test_queue_packets(void **state)
{
	struct shape shape = {.rate = 8 * MBIT, .delay = NS_PER_S, .queue_packets = 3};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 5; i++)
		push(&link, 1000, 0);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 2);
	push(&link, 1000, NS_PER_MS - 1); /* the first is still being sent */
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 3);
	push(&link, 1000, NS_PER_MS); /* now it is gone; what travels does not count */
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 3);
	assert_int_equal(link.stats.queue_packets_max, 3);
	assert_int_equal(link.stats.queue_bytes_max, 3000);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(pop_due(&link), NS_PER_S + i * NS_PER_MS);
	link_close(&link);
}

/* A queue limit in bytes would make buffers of another length than configured. */
static void test_queue_bytes(void **state)
{
	struct shape shape = {.rate = 8 * MBIT, .queue_bytes = 3000};
	struct link link;

	link_open(&link, &shape, SEED);
	push(&link, 1000, 0);
	push(&link, 1500, 0);
	push(&link, 501, 0);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 1);
	push(&link, 500, 0);
	push(&link, 1, 0);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 2);
	assert_int_equal(link.stats.queue_packets_max, 3);
	assert_int_equal(link.stats.queue_bytes_max, 3000);
	assert_int_equal(drain(&link, NS_PER_S), 3);

	/* One that is larger than all of the queue can be sent, alone. */
	push(&link, 65549, NS_PER_S);
	push(&link, 1, NS_PER_S);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 3);
	assert_int_equal(link.stats.queue_bytes_max, 65549);
	assert_int_equal(drain(&link, 2 * NS_PER_S), 1);
	link_close(&link);
}

/* A mistake in a scenario, or an odd one, would crash or hang the lab. */
static void test_extremes(void **state)
{
	struct trace *trace = parse("4294967295\n");
	const struct shape shapes[] = {
		{.rate = 1},
		{.rate = UINT64_MAX},
		{.rate = 1, .delay = UINT64_MAX, .jitter = UINT64_MAX},
		{.delay = UINT64_MAX},
		{.jitter = UINT64_MAX},
		{.delay = UINT64_MAX, .jitter = UINT64_MAX, .reorder = 0.5},
		{.trace = trace},
		{.trace = trace, .delay = UINT64_MAX},
		{.rate = 1, .queue_packets = 1, .queue_bytes = 1},
		{.loss = -1, .reorder = 7, .burst = {2, 2, 2, 2}},
		{.loss = NAN, .reorder = NAN, .burst = {NAN, NAN, NAN, NAN}},
	};
	static const uint32_t sizes[] = {0, 1, 1514, 65549, UINT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct link link;

		link_open(&link, &shapes[i], SEED);
		for (size_t j = 0; j < ARRAY_SIZE(sizes) * 3; j++) {
			push(&link, sizes[j % ARRAY_SIZE(sizes)], j * NS_PER_S);
			drain(&link, j * NS_PER_S);
			channel_set_shape(link.channel, &shapes[(i + j) % ARRAY_SIZE(shapes)],
					  j * NS_PER_S);
			link_check(&link);
		}
		drain(&link, UINT64_MAX - 1);
		link_close(&link);
	}
	trace_free(trace);
}

/* Each packet still inside when the lab ends would leak. */
static void test_close(void **state)
{
	struct shape shape = {.rate = MBIT, .delay = NS_PER_S, .reorder = 0.5};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 100; i++)
		push(&link, 100, 0);
	assert_null(pop(&link, 0));
	channel_set_blackhole(link.channel, false, NS_PER_S + 2 * NS_PER_MS);
	link_close(&link); /* checks that nothing stays */
	assert_int_equal(link.released, 100);
	channel_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_late_owner),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_nothing_configured),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_plain),
		cmocka_unit_test(test_queue_packets),
		cmocka_unit_test(test_queue_bytes),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
