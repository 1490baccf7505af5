/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a program would begin on a dead link, or be sent away from one that is well. Virtual time. */
#include "run/gate.h"

#include "base/clock.h"
#include "link/neighbour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WLAN = 2, WWAN = 3, STEP = 5 };

static struct world {
	struct gate gate;
	uint64_t now; /* ms */
	bool answers[2];
	unsigned asked;
	unsigned dead;
} w;

/* In place of the kernel's. */
int neighbour_state(struct nl *nl, unsigned index, const struct address *address)
{
	return w.answers[index - WLAN] ? NEIGHBOUR_THERE : NEIGHBOUR_ASKED;
}

int neighbour_ask(struct nl *nl, unsigned index, const struct address *address)
{
	return 0;
}

static int ask(unsigned link, void *data)
{
	w.asked++;
	return 0;
}

static void act(unsigned link, bool silent, void *data)
{
	w.dead = silent ? link : 0;
}

static void look_after(uint64_t ms)
{
	w.now += ms;
	gate_look(&w.gate, w.now * NS_PER_MS, act, NULL);
}

static void look_until(uint64_t ms)
{
	while (w.now < ms)
		look_after(STEP);
}

/* Somebody wants a socket after 1000 ms. */
static int begin(void **state)
{
	w = (struct world){.now = 1000, .answers = {false, true}};
	gate_open(&w.gate, (struct nl *)&w, ask, NULL);
	w.gate.count = 2;
	w.gate.links[0].index = WLAN;
	w.gate.links[1].index = WWAN;
	assert_true(gate_holds(&w.gate, w.now * NS_PER_MS));
	assert_int_equal(w.asked, 2);
	return 0;
}

static void a_link_that_answers_is_begun_on(void **state)
{
	look_until(1100);
	assert_true(gate_holds(&w.gate, w.now * NS_PER_MS));
	w.answers[0] = true;
	look_after(STEP);
	assert_false(gate_holds(&w.gate, w.now * NS_PER_MS));
	assert_int_equal(w.dead, 0);
}

static void one_that_does_not_is_left_until_it_does(void **state)
{
	look_until(1295);
	assert_int_equal(w.dead, 0);
	look_after(STEP);
	assert_int_equal(w.dead, WLAN);
	assert_false(gate_holds(&w.gate, w.now * NS_PER_MS));
	look_until(2100);
	assert_int_equal(w.asked, 4);
	w.answers[0] = true;
	look_after(STEP);
	assert_int_equal(w.dead, 0);
}

static void without_a_better_one_it_is_begun_on(void **state)
{
	w.answers[1] = false;
	look_until(1300);
	assert_int_equal(w.dead, 0);
	assert_false(gate_holds(&w.gate, w.now * NS_PER_MS));
}

/* What a virtual machine does now and then: the answer is there, but was not delivered when it goes on. */
static void a_machine_that_stood_still_has_heard_nothing(void **state)
{
	look_after(STEP);
	look_after(700);
	look_after(400);
	assert_int_equal(w.dead, 0);
	w.answers[0] = true;
	look_after(STEP);
	assert_false(gate_holds(&w.gate, w.now * NS_PER_MS));
	assert_int_equal(w.dead, 0);
}

/* A device that is too slow to look often finds a dead link all the same. */
static void a_slow_machine_waits_longer(void **state)
{
	for (unsigned looks = 0; looks < 15; looks++)
		look_after(60);
	assert_int_equal(w.dead, WLAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_link_that_answers_is_begun_on, begin),
		cmocka_unit_test_setup(one_that_does_not_is_left_until_it_does, begin),
		cmocka_unit_test_setup(without_a_better_one_it_is_begun_on, begin),
		cmocka_unit_test_setup(a_machine_that_stood_still_has_heard_nothing, begin),
		cmocka_unit_test_setup(a_slow_machine_waits_longer, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
