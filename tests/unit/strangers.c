/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, whoever opens connections by the thousand would keep a relay's clients out, or fill its memory. */
#include "via/server/strangers.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 20000

struct world {
	struct strangers strangers;
	struct stranger all[MANY];
	unsigned count, gone;
};

static struct address at(unsigned number)
{
	struct address address = {.family = AF_INET, .prefix = 32};

	address.v4.s_addr = htonl(0x0a000000 + number);
	return address;
}

static void leave(struct world *w, struct stranger *victim)
{
	if (!victim)
		return;
	strangers_left(&w->strangers, victim);
	w->gone++;
}

static struct stranger *come(struct world *w, const struct address *from, enum stranger_rank rank)
{
	struct stranger *stranger = &w->all[w->count++];

	leave(w, strangers_came(&w->strangers, stranger, from, NS_PER_S));
	for (unsigned i = 1; i <= rank; i++)
		leave(w, strangers_rose(&w->strangers, stranger, (enum stranger_rank)i));
	return stranger;
}

static struct stranger *come_from(struct world *w, unsigned number, enum stranger_rank rank)
{
	struct address address = at(number);

	return come(w, &address, rank);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	strangers_open(&w->strangers, 16384, 4711);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static unsigned held(const struct world *w)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < STRANGER_RANKS; i++)
		sum += w->strangers.rooms[i].count;
	return sum;
}

static void what_costs_nothing_keeps_nobody_out(void **state)
{
	struct world *w = *state;
	struct stranger *speaks = come_from(w, 1, STRANGER_SPEAKS),
			*agreed = come_from(w, 2, STRANGER_AGREED);

	for (unsigned i = 0; i < 10000; i++)
		come_from(w, 100 + i, STRANGER_SILENT);
	assert_true(speaks->listed && agreed->listed);
	for (unsigned i = 0; i < 5000; i++)
		come_from(w, 100 + i, STRANGER_SPEAKS);
	assert_true(agreed->listed);
	assert_true(held(w) <= 4096);
	assert_int_equal(held(w) + w->gone, w->count);
}

/* Nor does one that begins have less than the time in which a thousand others come. */
static void the_oldest_goes(void **state)
{
	struct world *w = *state;
	struct stranger *first = come_from(w, 1, STRANGER_SILENT);

	for (unsigned i = 0; i < 1000; i++)
		come_from(w, 100 + i, STRANGER_SILENT);
	assert_true(first->listed);
	for (unsigned i = 0; i < 100; i++)
		come_from(w, 100 + i, STRANGER_SILENT);
	assert_false(first->listed);
}

static void one_source_has_its_share(void **state)
{
	struct world *w = *state;
	struct stranger *other = come_from(w, 1, STRANGER_SILENT);
	struct address six;
	char text[64];

	for (unsigned i = 0; i < 2000; i++)
		come_from(w, 7, STRANGER_SILENT);
	assert_true(other->listed);
	assert_true(held(w) < 300);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "2001:db8::%x:%x", i, i);
		assert_int_equal(address_parse(text, &six), 0);
		come(w, &six, STRANGER_SILENT);
	}
	assert_true(other->listed);
	assert_true(held(w) < 600);
}

static void a_client_is_let_in_again(void **state)
{
	struct world *w = *state;
	struct address client = at(1);
	struct stranger *again;

	strangers_knew(&w->strangers, &client, NS_PER_S);
	again = come_from(w, 1, STRANGER_SILENT);
	for (unsigned i = 0; i < 3000; i++) {
		come_from(w, 100 + i, STRANGER_SILENT);
		come_from(w, 100 + i, STRANGER_SPEAKS);
		come_from(w, 100 + i, STRANGER_AGREED);
	}
	assert_true(again->listed);
	/* Whoever shares its address with it, too: within bounds. */
	for (unsigned i = 0; i < 2000; i++)
		come_from(w, 1, STRANGER_SILENT);
	assert_true(w->strangers.rooms[STRANGER_FAMILIAR].count < 1000);
}

static void it_is_forgotten(void **state)
{
	struct world *w = *state;
	struct address client = at(1);
	struct stranger *again = &w->all[0];

	strangers_knew(&w->strangers, &client, NS_PER_S);
	strangers_came(&w->strangers, again, &client, 48ull * 3600 * NS_PER_S);
	assert_int_equal(again->rank, STRANGER_SILENT);
}

/* With few connections allowed, strangers would have them all. */
static void half_of_all_is_for_clients(void **state)
{
	struct world *w = *state;

	for (unsigned limit = 1; limit < 10000; limit = limit * 3 + 1) {
		w->count = 0;
		strangers_open(&w->strangers, limit, 1);
		for (unsigned i = 0; i < 1500; i++) {
			come_from(w, 100 + i, STRANGER_SILENT);
			come_from(w, 100 + i, STRANGER_SPEAKS);
			come_from(w, 100 + i, STRANGER_AGREED);
			come_from(w, 100 + i, STRANGER_FAMILIAR);
		}
		assert_true(held(w) <= limit / 2 + STRANGER_RANKS);
	}
}

/* A device that begins a hundred connections at once would lose some, where the system allows the relay few descriptors. */
static void a_share_stays_a_share(void **state)
{
	struct world *w = *state;

	strangers_open(&w->strangers, 3258, 1);
	for (unsigned i = 0; i < 110; i++)
		come_from(w, 7, STRANGER_AGREED);
	assert_int_equal(held(w), 110);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_costs_nothing_keeps_nobody_out),
		TEST(the_oldest_goes),
		TEST(one_source_has_its_share),
		TEST(a_client_is_let_in_again),
		TEST(it_is_forgotten),
		TEST(half_of_all_is_for_clients),
		TEST(a_share_stays_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
