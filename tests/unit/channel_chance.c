/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What chance does to packets on the emulated link. Statistical checks allow three standard
 * deviations, with fixed seeds, so that they give the same answer for ever.
 */
#include "channel_link.h"

#include "base/cleanup.h"

#include <math.h>

static void assert_share(uint64_t hits, uint64_t of, double share, double variance)
{
	double got = (double)hits / (double)of, sigma = sqrt(variance / (double)of);

	if (fabs(got - share) > 3 * sigma)
		fail_msg("share %f, expected %f +- %f", got, share, 3 * sigma);
}

/* Jitter would be larger or smaller than configured, or would reorder packets. */
static void test_jitter(void **state)
{
	struct shape shape = {.delay = 10 * NS_PER_MS, .jitter = 4 * NS_PER_MS};
	uint64_t low = UINT64_MAX, high = 0, count = 20000, last = 0;
	double sum = 0;
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t i = 0; i < count; i++) { /* far apart: each has its own delay */
		uint64_t delay;

		push(&link, 100, i * NS_PER_S);
		delay = channel_next(link.channel) - i * NS_PER_S;
		assert_int_equal(drain(&link, i * NS_PER_S + NS_PER_MS * 14), 1);
		low = delay < low ? delay : low;
		high = delay > high ? delay : high;
		sum += (double)delay;
	}
	assert_in_range(low, 6 * NS_PER_MS, 6 * NS_PER_MS + 10 * NS_PER_US);
	assert_in_range(high, 14 * NS_PER_MS - 10 * NS_PER_US, 14 * NS_PER_MS);
	/* The standard deviation of a uniform distribution is its width / sqrt(12). */
	assert_true(fabs(sum / (double)count - 10e6) < 3 * 8e6 / sqrt(12.0 * (double)count));

	for (uint64_t i = 0; i < count; i++) { /* close together: the order is kept */
		uint64_t sent = (count + 1) * NS_PER_S + i * 10 * NS_PER_US;
		struct packet *packet;

		push(&link, 100, sent);
		while ((packet = pop(&link, sent))) {
			assert_int_equal(packet->capacity, link.stats.packets - 1);
			assert_true(packet->due >= last);
			last = packet->due;
			free(packet);
		}
	}
	assert_int_equal(link.stats.reordered, 0);
	link_close(&link);
}

/* Jitter larger than the delay would deliver packets before they were sent. */
static void test_jitter_above_delay(void **state)
{
	struct shape shape = {.delay = NS_PER_MS, .jitter = 10 * NS_PER_MS};
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t i = 1; i < 1000; i++) {
		push(&link, 100, i * NS_PER_S);
		assert_in_range(channel_next(link.channel), i * NS_PER_S,
				i * NS_PER_S + 11 * NS_PER_MS);
		assert_int_equal(drain(&link, i * NS_PER_S + 11 * NS_PER_MS), 1);
	}
	link_close(&link);
}

/* Loss in the lab would not be that of the scenario. */
static void test_loss(void **state)
{
	static const double losses[] = {0, 0.001, 0.01, 0.3, 1};
	uint64_t count = 200000;

	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		struct shape shape = {.loss = losses[i]};
		struct link link;

		link_open(&link, &shape, SEED + i);
		for (uint64_t t = 0; t < count; t++) {
			push(&link, 100, t);
			drain(&link, t);
		}
		assert_share(link.stats.drops[CHANNEL_DROP_LOSS], count, losses[i],
			     losses[i] * (1 - losses[i]));
		link_close(&link);
	}
}

/* A lost packet would cost nothing, and a lossy link would be too fast. */
static void test_loss_takes_rate(void **state)
{
	struct shape shape = {.rate = 8 * MBIT, .loss = 0.5};
	uint64_t last = 0, due;
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 1000; i++)
		push(&link, 1000, 0);
	while ((due = pop_due(&link)) != CHANNEL_NEVER) {
		assert_int_equal(due % NS_PER_MS, 0);
		last = due;
	}
	assert_true(last > 980 * NS_PER_MS);
	link_close(&link);
}

/* Bursts would be too short or too rare to be the fading link that the user describes. */
static void test_bursts(void **state)
{
	double enter = 0.01, leave = 0.2, bad = enter / (enter + leave);
	struct shape shape = {.burst = {enter, leave, 1, 0}};
	uint64_t count = 1000000, bursts = 0;
	bool lost = false;
	double memory = 1 - enter - leave; /* correlation of the state from packet to packet */
	double length, variance = bad * (1 - bad) * (1 + memory) / (1 - memory);
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t t = 0; t < count; t++) {
		push(&link, 100, t);
		bursts += !lost && link.inside == 0;
		lost = link.inside == 0;
		drain(&link, t);
	}
	assert_share(link.stats.drops[CHANNEL_DROP_LOSS], count, bad, variance);
	length = (double)link.stats.drops[CHANNEL_DROP_LOSS] / (double)bursts;
	assert_true(fabs(length - 1 / leave) < 3 * sqrt(1 - leave) / leave / sqrt((double)bursts));
	link_close(&link);
}

/* The two states' own losses would be mixed up. */
static void test_burst_losses(void **state)
{
	double enter = 0.05, leave = 0.1, bad = enter / (enter + leave);
	struct shape shape = {.burst = {enter, leave, 0.5, 0.02}};
	double share = bad * 0.5 + (1 - bad) * 0.02, memory = 1 - enter - leave;
	double variance =
		share * (1 - share) + 2 * 0.48 * 0.48 * bad * (1 - bad) * memory / (1 - memory);
	uint64_t count = 500000;
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t t = 0; t < count; t++) {
		push(&link, 100, t);
		drain(&link, t);
	}
	assert_share(link.stats.drops[CHANNEL_DROP_LOSS], count, share, variance);

	/* Certain to enter, never to leave, all lost; without bursts it is a good link again. */
	shape.burst = (struct burst){1, 0, 1, 0};
	channel_set_shape(link.channel, &shape, count);
	push(&link, 100, count);
	assert_int_equal(drain(&link, count), 0);
	shape.burst = (struct burst){};
	channel_set_shape(link.channel, &shape, count);
	push(&link, 100, count);
	assert_int_equal(drain(&link, count), 1);
	shape.burst = (struct burst){1e-9, 0, 1, 0}; /* begins good again */
	channel_set_shape(link.channel, &shape, count);
	push(&link, 100, count);
	assert_int_equal(drain(&link, count), 1);
	link_close(&link);
}

/* Applications would meet more or less reordering than the scenario says. */
static void test_reorder(void **state)
{
	struct shape shape = {.delay = 10 * NS_PER_MS, .reorder = 0.1};
	uint64_t count = 100000, skipped = 0, overtaken = 0;
	uint32_t newest = 0;
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t i = 0; i < count + 20; i++) {
		uint64_t now = i * NS_PER_MS;
		struct packet *packet;

		if (i < count)
			push(&link, 100, now);
		while ((packet = pop(&link, now))) {
			uint64_t sent = packet->capacity * NS_PER_MS;

			skipped += packet->due == sent;
			if (packet->due != sent)
				assert_int_equal(packet->due, sent + 10 * NS_PER_MS);
			overtaken += packet->capacity < newest;
			newest = packet->capacity > newest ? packet->capacity : newest;
			free(packet);
		}
	}
	assert_int_equal(link.stats.packets, count);
	assert_share(skipped, count, 0.1, 0.1 * 0.9);
	assert_true(overtaken > 0);
	assert_true(link.stats.reordered <= skipped && link.stats.reordered > skipped * 9 / 10);
	link_close(&link);
}

/* An owner who sleeps until channel_next() would deliver the packets that overtake too late. */
static void test_reorder_wakes(void **state)
{
	struct shape shape = {.rate = 8 * MBIT, .delay = NS_PER_S, .reorder = 1};
	struct link link;

	link_open(&link, &shape, SEED);
	push(&link, 1000, 0);
	push(&link, 1000, 0);
	assert_int_equal(pop_due(&link), NS_PER_MS);
	assert_int_equal(pop_due(&link), 2 * NS_PER_MS);
	link_close(&link);
}

/* The count of reordered packets would name packets that overtook nobody. */
static void test_reorder_without_delay(void **state)
{
	struct shape shape = {.reorder = 0.5};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 1000; i++)
		push(&link, 100, 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct packet *packet = pop(&link, 0);

		assert_int_equal(packet->capacity, i);
		free(packet);
	}
	assert_int_equal(link.stats.reordered, 0);
	link_close(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_jitter_above_delay),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_loss_takes_rate),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_burst_losses),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_reorder_wakes),
		cmocka_unit_test(test_reorder_without_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
