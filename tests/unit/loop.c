/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a timeout would come early, late or for somebody who is gone, and an event would reach freed memory. */
#include "base/loop.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

struct thing {
	struct loop_timer timer;
	struct loop_source source;
	struct thing *victim; /* whose place in the loop ends */
	char name;
};

static struct loop loop;
static char order[16];

static void note(const struct thing *thing)
{
	order[strlen(order)] = thing->name;
	if (thing->victim) {
		loop_unset(&loop, &thing->victim->timer);
		loop_forget(&loop, &thing->victim->source);
	}
	if (thing->name == 'z')
		loop_stop(&loop);
}

static void due(struct loop_timer *timer)
{
	const struct thing *thing = loop_owner(timer, struct thing, timer);

	assert_true(clock_now() >= timer->at);
	note(thing);
}

static void ready(struct loop_source *source, uint32_t events)
{
	assert_int_equal(events, EPOLLIN);
	note(loop_owner(source, struct thing, source));
	loop_forget(&loop, source);
}

static int set_up(void **state)
{
	memset(order, 0, sizeof(order));
	return loop_open(&loop);
}

static int tear_down(void **state)
{
	loop_close(&loop);
	return 0;
}

static void calls_timers_in_their_order(void **state)
{
	struct thing all[] = {{.name = 'z'}, {.name = 'a'}, {.name = 'b'},
			      {.name = 'c'}, {.name = 'd'}, {.name = 'e'}};
	const uint64_t now = clock_now(), ms[] = {9, 3, 1, 3, 2, 1};

	for (unsigned i = 0; i < 6; i++) {
		all[i].timer.due = due;
		loop_set(&loop, &all[i].timer, now + ms[i] * NS_PER_MS);
	}
	loop_set(&loop, &all[2].timer, now + 5 * NS_PER_MS); /* another wish */
	loop_set(&loop, &all[5].timer, UINT64_MAX);
	all[4].victim = &all[3];
	assert_int_equal(loop_run(&loop), 0);
	assert_string_equal(order, "dabz");
	assert_null(loop.first);
	assert_null(loop.last);
}

/* Both are ready at once; whichever is called first takes the other one out. */
static void forgets_what_has_happened(void **state)
{
	struct thing a = {.name = 'a'}, b = {.name = 'a', .victim = &a}, end = {.name = 'z'};

	a.victim = &b;
	a.source = (struct loop_source){.fd = eventfd(1, EFD_CLOEXEC), .ready = ready};
	b.source = (struct loop_source){.fd = eventfd(1, EFD_CLOEXEC), .ready = ready};
	end.timer.due = due;
	assert_int_equal(loop_watch(&loop, &a.source, EPOLLIN), 0);
	assert_int_equal(loop_watch(&loop, &b.source, EPOLLIN), 0);
	loop_set(&loop, &end.timer, clock_now() + 5 * NS_PER_MS);
	assert_int_equal(loop_run(&loop), 0);
	assert_string_equal(order, "az");
	close(a.source.fd);
	close(b.source.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_timers_in_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgets_what_has_happened, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
