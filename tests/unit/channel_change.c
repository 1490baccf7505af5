/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to an emulated link over time: changes, outages, and the same again for one seed. */
#include "channel_link.h"

#include "lab/random.h"

/* `set rate` in a scenario would take effect late, or lose or repeat part of a packet. */
static void test_change_rate(void **state)
{
	struct trace *trace = parse("1\n");
	struct shape shape = {.rate = MBIT, .delay = NS_PER_S};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 6; i++)
		push(&link, 1000, 0); /* 8 ms each */
	shape.rate = 4 * MBIT;
	channel_set_shape(link.channel, &shape, 4 * NS_PER_MS); /* half of it in 1 ms */
	assert_int_equal(pop_due(&link), NS_PER_S + 5 * NS_PER_MS);
	link_close(&link);

	shape = (struct shape){.rate = MBIT};
	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 8; i++)
		push(&link, 3028, 0); /* 24.224 ms each */
	shape.rate = 2 * MBIT;
	channel_set_shape(link.channel, &shape, 12112 * NS_PER_US);
	assert_int_equal(pop_due(&link), 18168 * NS_PER_US);
	assert_int_equal(pop_due(&link), 30280 * NS_PER_US);
	channel_set_shape(link.channel, &shape, 31 * NS_PER_MS); /* no change */
	assert_int_equal(pop_due(&link), 42392 * NS_PER_US);
	assert_int_equal(pop_due(&link), 54504 * NS_PER_US);

	/* To a trace, half-way: 1514 bytes are missing, one opportunity; then two for each. */
	shape = (struct shape){.trace = trace};
	channel_set_shape(link.channel, &shape, 60560 * NS_PER_US);
	assert_int_equal(pop_due(&link), 61 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 63 * NS_PER_MS);

	/* Back, half-way: one opportunity of two is past. */
	shape = (struct shape){.rate = 12112000};
	channel_set_shape(link.channel, &shape, 64500 * NS_PER_US);
	assert_int_equal(pop_due(&link), 65500 * NS_PER_US);

	/* Unlimited: the rest leaves at once. */
	shape = (struct shape){};
	channel_set_shape(link.channel, &shape, 66 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 66 * NS_PER_MS);
	assert_int_equal(pop_due(&link), CHANNEL_NEVER);
	link_close(&link);
	trace_free(trace);
}

/* A change between a rate and a recording would lose or repeat a part of what is being sent. */
static void test_change_trace(void **state)
{
	struct trace *trace = parse("1\n");
	struct shape recorded = {.trace = trace},
		     fixed = {.rate = 8 * MBIT}; /* 1000 bytes in 1 ms */
	struct link link;

	/* 514 + 1500 bytes; at 1 ms the first opportunity has taken 1514 of them. */
	link_open(&link, &recorded, SEED);
	push(&link, 514, 0);
	push(&link, 1500, 0);
	push(&link, 1000, 0);
	channel_set_shape(link.channel, &fixed, NS_PER_MS);
	assert_int_equal(pop_due(&link), NS_PER_MS);
	assert_int_equal(pop_due(&link), NS_PER_MS + 500 * NS_PER_US);
	assert_int_equal(pop_due(&link), NS_PER_MS + 1500 * NS_PER_US);

	/* One bit more than one opportunity is missing: it takes two. */
	push(&link, 2514, 10 * NS_PER_MS);
	channel_set_shape(link.channel, &recorded, 11 * NS_PER_MS - 125);
	assert_int_equal(pop_due(&link), 12 * NS_PER_MS);

	/* A change of something else does not give an opportunity again. */
	push(&link, 100, 19 * NS_PER_MS + 1);
	assert_int_equal(pop_due(&link), 20 * NS_PER_MS);
	recorded.queue_packets = 10;
	channel_set_shape(link.channel, &recorded, 20 * NS_PER_MS);
	push(&link, 1414, 20 * NS_PER_MS);
	push(&link, 1, 20 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 20 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 21 * NS_PER_MS);
	link_close(&link);
	trace_free(trace);
}

/* Frequent changes of the rate, as in a drive through a city, would add up to a wrong one. */
static void test_change_rate_often(void **state)
{
	struct shape shape = {.rate = 1000003};
	uint64_t now = 0, bits = 0; /* billionths of a bit that the link could carry */
	struct random random = {SEED};
	struct link link;

	link_open(&link, &shape, SEED);
	push(&link, 100000000, 0);
	while (channel_next(link.channel) > now + NS_PER_MS) {
		uint64_t step = random_below(&random, NS_PER_MS);

		now += step;
		bits += step * shape.rate;
		shape.rate = MBIT + random_below(&random, 20 * MBIT);
		channel_set_shape(link.channel, &shape, now);
	}
	bits += (pop_due(&link) - now) * shape.rate;
	assert_in_range(bits, 800000000 * NS_PER_S, 800000000 * NS_PER_S + shape.rate);
	link_close(&link);
}

/* A lower delay would throw packets on their way into disorder, a higher one would hold them. */
static void test_change_delay(void **state)
{
	struct shape shape = {.delay = 100 * NS_PER_MS};
	struct link link;

	link_open(&link, &shape, SEED);
	push(&link, 100, 0);
	shape.delay = 10 * NS_PER_MS;
	channel_set_shape(link.channel, &shape, NS_PER_MS);
	push(&link, 100, NS_PER_MS);
	push(&link, 100, 95 * NS_PER_MS);
	shape.delay = 50 * NS_PER_MS;
	channel_set_shape(link.channel, &shape, 96 * NS_PER_MS);
	push(&link, 100, 96 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 100 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 100 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 105 * NS_PER_MS);
	assert_int_equal(pop_due(&link), 146 * NS_PER_MS);
	link_close(&link);
}

/* A cable that is pulled would deliver afterwards, or come back with old packets or old work. */
static void test_down(void **state)
{
	struct shape shape = {
		.rate = 8 * MBIT, .delay = 2 * NS_PER_MS, .queue_packets = 5, .queue_bytes = 5000};
	struct link link;

	link_open(&link, &shape, SEED);
	for (unsigned i = 0; i < 5; i++)
		push(&link, 1000, 0);
	/* 3, 4, 5, ... ms; the owner is late and gets what was due before. */
	channel_set_down(link.channel, true, 3500 * NS_PER_US);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_DOWN], 4);
	push(&link, 1000, 4 * NS_PER_MS);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_DOWN], 5);
	assert_int_equal(pop_due(&link), 3 * NS_PER_MS);
	assert_int_equal(channel_next(link.channel), CHANNEL_NEVER);
	assert_null(pop(&link, NS_PER_S));

	channel_set_down(link.channel, false, NS_PER_S);
	for (unsigned i = 0; i < 5; i++)
		push(&link, 1000, NS_PER_S);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_QUEUE], 0);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(pop_due(&link), NS_PER_S + (2 + i) * NS_PER_MS);

	/* Down and up in the middle of a long packet: the wire is free again. */
	push(&link, 1000000, 2 * NS_PER_S);
	channel_set_down(link.channel, true, 2 * NS_PER_S + 1);
	channel_set_down(link.channel, false, 2 * NS_PER_S + 2);
	push(&link, 1000, 2 * NS_PER_S + 2);
	assert_int_equal(pop_due(&link), 2 * NS_PER_S + 3 * NS_PER_MS + 2);
	link_close(&link);
}

/* A silent outage would let packets through, or eat those due before or after it. */
static void test_blackhole(void **state)
{
	struct shape shape = {.delay = 10 * NS_PER_MS};
	struct link link;

	link_open(&link, &shape, SEED);
	for (uint64_t t = 0; t < 40; t++) { /* due 10..49 ms; the owner sleeps all the time */
		if (t == 15)
			channel_set_blackhole(link.channel, true, t * NS_PER_MS + 1);
		if (t == 30)
			channel_set_blackhole(link.channel, false, t * NS_PER_MS + 1);
		push(&link, 100, t * NS_PER_MS + 1);
		if (t == 30)
			assert_int_equal(link.stats.drops[CHANNEL_DROP_BLACKHOLE], 15);
	}
	for (uint64_t t = 10; t < 50; t++)
		if (t <= 15 || t > 30)
			assert_int_equal(pop_due(&link), t * NS_PER_MS + 1);
	assert_int_equal(channel_next(link.channel), CHANNEL_NEVER);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_BLACKHOLE], 15);
	link_close(&link);
}

/* The rate of a link that swallows everything would be saved up for the time after. */
static void test_blackhole_takes_rate(void **state)
{
	struct shape shape = {.rate = 8 * MBIT};
	struct link link;

	link_open(&link, &shape, SEED);
	channel_set_blackhole(link.channel, true, 0);
	for (unsigned i = 0; i < 10; i++)
		push(&link, 1000, 0);
	assert_int_equal(drain(&link, 4 * NS_PER_MS), 0);
	channel_set_blackhole(link.channel, false, 4500 * NS_PER_US);
	for (unsigned i = 5; i <= 10; i++)
		assert_int_equal(pop_due(&link), i * NS_PER_MS);
	assert_int_equal(link.stats.drops[CHANNEL_DROP_BLACKHOLE], 4);
	link_close(&link);
}

/* How one run of the random life below went: which packet came when. */
struct life {
	struct {
		uint64_t due;
		uint32_t id;
	} * came;
	size_t count;
	struct channel_stats stats;
};

enum owner { OWNER_EXACT, OWNER_RARE, OWNER_LAST };

static void collect(struct life *life, struct link *link, uint64_t now)
{
	struct packet *packet;

	while ((packet = pop(link, now))) {
		life->came[life->count].due = packet->due;
		life->came[life->count++].id = packet->capacity;
		free(packet);
	}
	link_check(link);
}

/* The same pushes and events each time, at random times; the owner asks when it likes. */
static struct life live(uint64_t seed, enum owner owner, const struct trace *trace)
{
	enum { STEPS = 20000 };
	struct shape shape = {.rate = 10 * MBIT,
			      .delay = 20 * NS_PER_MS,
			      .jitter = 3 * NS_PER_MS,
			      .loss = 0.02,
			      .burst = {0.01, 0.3, 0.9, 0.001},
			      .reorder = 0.05,
			      .queue_packets = 40,
			      .queue_bytes = 50000};
	struct random script = {7}, mood = {owner};
	struct life life = {.came = calloc(STEPS, sizeof(*life.came))};
	uint64_t now = 0;
	struct link link;

	assert_non_null(life.came);
	link_open(&link, &shape, seed);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t action = random_below(&script, 400), next;

		now += random_below(&script, 3) * random_below(&script, 800 * NS_PER_US);
		if (owner == OWNER_EXACT)
			while ((next = channel_next(link.channel)) <= now)
				collect(&life, &link, next);
		if (owner == OWNER_RARE && random_chance(&mood, 0.02))
			collect(&life, &link, now);
		switch (action) {
		case 0:
		case 1:
			channel_set_down(link.channel, action, now);
			break;
		case 2:
		case 3:
			channel_set_blackhole(link.channel, action % 2, now);
			break;
		case 4:
			shape.rate = random_below(&script, 3) * 5 * MBIT;
			shape.trace = NULL;
			channel_set_shape(link.channel, &shape, now);
			break;
		case 5:
			shape.trace = trace;
			channel_set_shape(link.channel, &shape, now);
			break;
		case 6:
			shape.delay = random_below(&script, 30) * NS_PER_MS;
			channel_set_shape(link.channel, &shape, now);
			break;
		default:
			if (action < 20) /* otherwise outages would be most of the time */
				channel_set_down(link.channel, false, now);
			else if (action < 40)
				channel_set_blackhole(link.channel, false, now);
			push(&link, (uint32_t)(60 + random_below(&script, 1455)), now);
		}
	}
	collect(&life, &link, now + 3600 * NS_PER_S);
	assert_int_equal(link.inside, 0);
	life.stats = link.stats;
	link_close(&link);
	return life;
}

static bool same(const struct life *a, const struct life *b)
{
	if (a->count != b->count || memcmp(&a->stats, &b->stats, sizeof(a->stats)) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->came[i].due != b->came[i].due || a->came[i].id != b->came[i].id)
			return false;
	return true;
}

/* An experiment could not be repeated; or it would depend on how busy the machine was. */
static void test_repeatable(void **state)
{
	struct trace *trace = parse("0\n1\n1\n4\n6\n6\n9\n");
	struct life first = live(SEED, OWNER_EXACT, trace);
	struct life again = live(SEED, OWNER_EXACT, trace);
	struct life rare = live(SEED, OWNER_RARE, trace);
	struct life last = live(SEED, OWNER_LAST, trace);
	struct life other = live(SEED + 1, OWNER_EXACT, trace);

	assert_true(same(&first, &again));
	assert_true(same(&first, &rare));
	assert_true(same(&first, &last));
	assert_false(same(&first, &other));
	/* The script does reach every part of a link's life. */
	assert_true(first.stats.packets > 5000 && first.stats.reordered > 100);
	for (size_t i = 0; i < CHANNEL_DROPS; i++)
		assert_true(first.stats.drops[i] > 100);

	free(first.came);
	free(again.came);
	free(rare.came);
	free(last.came);
	free(other.came);
	trace_free(trace);
}

/* `set` in a scenario would change more, or less, than it names. */
static void test_shape_change(void **state)
{
	struct trace *trace = parse("1\n");
	const struct shape new = {.trace = trace,
				  .delay = 1,
				  .jitter = 2,
				  .loss = 0.3,
				  .burst = {0.4, 0.5, 0.6, 0.7},
				  .reorder = 0.8,
				  .queue_packets = 9,
				  .queue_bytes = 10};
	struct shape shape = {.rate = MBIT}, all = {};

	shape_change(&shape, &new, 0);
	assert_int_equal(shape.rate, MBIT);
	shape_change(&shape, &new, SHAPE_LOSS | SHAPE_QUEUE_BYTES);
	assert_true(shape.loss == 0.3 && shape.queue_bytes == 10 && shape.rate == MBIT);
	assert_true(shape.delay == 0 && shape.burst.enter == 0 && shape.queue_packets == 0);
	shape_change(&shape, &new, SHAPE_RATE);
	assert_true(shape.rate == 0 && shape.trace == trace);
	shape_change(&all, &new, ~0U);
	assert_memory_equal(&all, &new, sizeof(all));
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change_rate),
		cmocka_unit_test(test_change_trace),
		cmocka_unit_test(test_change_rate_often),
		cmocka_unit_test(test_change_delay),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_blackhole),
		cmocka_unit_test(test_blackhole_takes_rate),
		cmocka_unit_test(test_repeatable),
		cmocka_unit_test(test_shape_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
