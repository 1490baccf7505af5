/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, tasks would go to where they are not finished first, be lost with a device, believed from a liar, or late. */
#include "drop/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct plan plan;
static struct plan_kind kind;
static uint64_t now;

static int set_up(void **state)
{
	plan_init(&plan);
	kind = (struct plan_kind){0};
	now = 1000000;
	return 0;
}

static int tear_down(void **state)
{
	plan_free(&plan);
	return 0;
}

static struct plan_device *device(const char *name, unsigned slots, unsigned good)
{
	struct plan_device *made = plan_device(&plan, name);

	made->self = strcmp(name, "self") == 0;
	made->good = good;
	made->delay = 2;
	plan_heard(made, true, slots, 0, now);
	return made;
}

static struct plan_task *task(unsigned copies, unsigned agree, uint64_t deadline)
{
	return plan_add(&plan, &kind, copies, agree, deadline, now);
}

/* The next action is this one. */
static void expect(enum plan_what what, const struct plan_task *of, const struct plan_device *who)
{
	struct plan_action action;
	uint64_t when;

	assert_true(plan_next(&plan, now, &action, &when));
	assert_int_equal(action.what, what);
	assert_ptr_equal(action.task, of);
	if (who)
		assert_string_equal(action.device->name, who->name);
}

static uint64_t expect_nothing(void)
{
	struct plan_action action;
	uint64_t when;

	assert_false(plan_next(&plan, now, &action, &when));
	return when;
}

static bool back(struct plan_task *of, struct plan_device *who, uint8_t what, uint64_t took)
{
	uint8_t digest[PLAN_DIGEST] = {what};

	return plan_back(of, who, digest, took);
}

static void test_own_first(void **state)
{
	assert_true(plan_before(true, 0, 20, false, 5, 10));
	assert_false(plan_before(false, 5, 10, true, 0, 20));
	assert_true(plan_before(false, 5, 20, false, 9, 10));
	assert_true(plan_before(false, 5, 20, false, 0, 10)); /* none is later than any */
	assert_true(plan_before(true, 0, 10, true, 0, 20));
}

static void test_alone(void **state)
{
	struct plan_device *self = device("self", 1, 0);
	struct plan_task *one = task(1, 1, 0), *two = task(1, 1, 0);

	expect(PLAN_GIVE, one, self);
	expect_nothing();
	assert_true(back(one, self, 1, 50));
	assert_false(back(one, self, 1, 50)); /* again */
	expect(PLAN_BELIEVE, one, self);
	expect(PLAN_GIVE, two, self);
	expect_nothing();
}

/* By when it would be finished, not by count: of twelve tasks a device that takes half as long gets twice as many. */
static void test_balance(void **state)
{
	struct plan_device *slow = device("slow", 1, 1), *fast = device("fast", 1, 1);
	struct plan_task *tasks[12];
	unsigned done[2] = {0};
	uint64_t ends[2] = {0};
	struct plan_task *doing[2][64];
	unsigned first[2] = {0}, last[2] = {0};

	kind.work = 2000;
	slow->pace = 2;
	for (unsigned i = 0; i < 12; i++)
		tasks[i] = task(1, 1, 0);
	while (done[0] + done[1] < 12) {
		struct plan_action action;
		uint64_t when;
		unsigned next;

		while (plan_next(&plan, now, &action, &when))
			if (action.what == PLAN_GIVE) {
				unsigned i = action.device == fast;

				doing[i][last[i]++] = action.task;
				if (last[i] - first[i] == 1)
					ends[i] = now + (i ? 2000 : 4000);
			}
		next = first[0] == last[0] || (first[1] < last[1] && ends[1] <= ends[0]);
		assert_true(first[next] < last[next]);
		now = ends[next];
		plan_heard(slow, true, 1, 0, now);
		plan_heard(fast, true, 1, 0, now);
		back(doing[next][first[next]++], next ? fast : slow, 1, next ? 2000 : 4000);
		done[next]++;
		ends[next] = now + (next ? 2000 : 4000);
	}
	assert_int_equal(done[1], 8);
	assert_int_equal(now, 1000000 + 16000); /* no better can be had */
	assert_non_null(tasks[0]);
}

/* A device learns to be slow, and is given less. */
static void test_pace(void **state)
{
	struct plan_device *slow = device("slow", 1, 1);

	kind.work = 100;
	for (unsigned i = 0; i < 12; i++) {
		struct plan_task *one = task(1, 1, 0);

		expect(PLAN_GIVE, one, slow);
		back(one, slow, 1, 400);
		expect(PLAN_BELIEVE, one, slow);
		plan_remove(one);
		now += 400;
		plan_heard(slow, true, 1, 0, now);
	}
	assert_in_range(plan_work(&(struct plan_task){.kind = &kind}, slow->pace), 300, 500);
}

/* A stranger gets a copy, and whoever is familiar and has nothing to do, another. */
static void test_strangers(void **state)
{
	struct plan_device *stranger = device("stranger", 1, 0), *self;
	struct plan_task *one = task(1, 1, 0);

	expect(PLAN_GIVE, one, stranger);
	expect_nothing();
	self = device("self", 1, 0);
	expect(PLAN_GIVE, one, self);
	expect_nothing();
	back(one, self, 1, 5);
	expect(PLAN_BELIEVE, one, self);
	expect(PLAN_RECALL, one, stranger);
	expect_nothing();
}

/* A familiar one is handed it. */
static void test_familiar(void **state)
{
	struct plan_device *friend = device("friend", 1, 1);
	struct plan_task *one = task(1, 1, 0);

	expect(PLAN_GIVE, one, friend);
	device("self", 1, 0);
	expect_nothing();
}

/* One that vanishes costs a delay; its result counts if it is the first after all. */
static void test_vanished(void **state)
{
	struct plan_device *gone = device("gone", 1, 1), *other;
	struct plan_task *one = task(1, 1, 0);
	uint64_t when;

	expect(PLAN_GIVE, one, gone);
	other = device("other", 1, 1);
	when = expect_nothing();
	assert_in_range(when, now + 1, now + PLAN_QUIET + PLAN_PATIENCE + 5000);
	now = when;
	plan_heard(other, true, 1, 0, now);
	expect(PLAN_GIVE, one, other);
	expect_nothing();
	back(one, gone, 1, 5);
	expect(PLAN_BELIEVE, one, gone);
	expect(PLAN_RECALL, one, other);
	assert_false(back(one, plan_device(&plan, "nobody"), 1, 5));
}

static void test_cannot(void **state)
{
	struct plan_device *first = device("first", 1, 1), *second;
	struct plan_task *one = task(1, 1, 0);

	expect(PLAN_GIVE, one, first);
	assert_true(plan_failed(one, first));
	expect_nothing(); /* it is not asked for the same again */
	second = device("second", 1, 1);
	expect(PLAN_GIVE, one, second);
}

/* Two of three agree: the third was wrong, and is asked no more. */
static void test_liar(void **state)
{
	struct plan_device *a = device("a", 1, 1), *b = device("b", 1, 1),
			   *liar = device("c", 1, 1);
	struct plan_task *one = task(3, 2, 0), *two;
	struct plan_action action;
	uint64_t when;

	for (unsigned i = 0; i < 3; i++) {
		assert_true(plan_next(&plan, now, &action, &when));
		assert_int_equal(action.what, PLAN_GIVE);
	}
	expect_nothing();
	back(one, liar, 9, 5);
	expect_nothing();
	back(one, a, 1, 5);
	expect_nothing(); /* b is still at it */
	back(one, b, 1, 5);
	expect(PLAN_BELIEVE, one, NULL);
	expect(PLAN_CAUGHT, one, liar);
	assert_int_equal(liar->bad, 1);
	assert_int_equal(a->good, 2);
	two = task(3, 2, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(plan_next(&plan, now, &action, &when));
		assert_int_equal(action.what, PLAN_GIVE);
		assert_ptr_not_equal(action.device, liar);
	}
	expect_nothing();
	assert_false(two->over);
}

/* A tie asks one more. */
static void test_tie(void **state)
{
	struct plan_device *a = device("a", 1, 1), *b = device("b", 1, 1), *c;
	struct plan_task *one = task(2, 2, 0);
	struct plan_action action;
	uint64_t when;

	assert_true(plan_next(&plan, now, &action, &when));
	assert_true(plan_next(&plan, now, &action, &when));
	back(one, a, 1, 5);
	back(one, b, 2, 5);
	expect_nothing();
	c = device("c", 1, 1);
	expect(PLAN_GIVE, one, c);
	expect_nothing();
	back(one, c, 2, 5);
	expect(PLAN_BELIEVE, one, NULL);
	expect(PLAN_CAUGHT, one, a);
	expect_nothing();
}

/* The cloud's queue and the way there count; not a moment earlier, and once. */
static void test_deadline(void **state)
{
	struct plan_device *slow = device("slow", 1, 1);
	struct plan_task *one;
	uint64_t at;

	plan.cloud = (struct plan_cloud){.there = true, .delay = 30000, .pace = 1};
	kind.work = 10000;
	one = task(1, 1, now + 100000);
	at = plan_cloud_at(&plan, one);
	assert_in_range(at, now + 100000 - 30000 - 10000 - 5000, now + 100000 - 30000 - 10000);
	expect(PLAN_GIVE, one, slow);
	assert_true(expect_nothing() <= at);
	now = at - 1;
	plan_heard(slow, true, 1, 0, now);
	expect_nothing();
	now = at;
	expect(PLAN_CLOUD, one, NULL);
	expect_nothing();
	back(one, slow, 1, 5); /* first in after all */
	expect(PLAN_BELIEVE, one, slow);
	expect_nothing();
	/* Without a cloud nothing goes there, and without a deadline. */
	plan.cloud.there = false;
	assert_int_equal(plan_cloud_at(&plan, task(1, 1, now + 5)), UINT64_MAX);
	plan.cloud.there = true;
	assert_int_equal(plan_cloud_at(&plan, task(1, 1, 0)), UINT64_MAX);
}

/* What has a deadline goes first, the earliest of those. */
static void test_order(void **state)
{
	struct plan_task *none = task(1, 1, 0), *late = task(1, 1, now + 90000),
			 *early = task(1, 1, now + 80000);
	struct plan_device *self = device("self", 3, 0);

	expect(PLAN_GIVE, early, self);
	expect(PLAN_GIVE, late, self);
	expect(PLAN_GIVE, none, self);
}

static void test_cancelled(void **state)
{
	struct plan_device *a = device("a", 1, 1), *b = device("b", 1, 1);
	struct plan_task *one = task(2, 2, 0);
	struct plan_action action;
	uint64_t when;

	plan_next(&plan, now, &action, &when);
	plan_next(&plan, now, &action, &when);
	back(one, a, 1, 5);
	plan_end(one);
	expect(PLAN_RECALL, one, b);
	expect_nothing();
	assert_int_equal(a->bad + b->bad, 0);
}

static void test_battery_and_load(void **state)
{
	const struct plan_limits limits = {.slots = 4, .battery_least = 30, .load_most = 1.5};
	const struct {
		struct plan_state state;
		unsigned slots;
	} rows[] = {{{-1, false, 0}, 4},   {{29, false, 0}, 0}, {{30, false, 0}, 4},
		    {{5, true, 0}, 4},     {{-1, false, 2}, 0}, {{100, true, 1.6}, 0},
		    {{100, false, 1.5}, 4}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(plan_slots(&limits, &rows[i].state), rows[i].slots);
}

/* Lost: the 20 s of the first device, for what the second would have done at once, or the money for the way to it. */
static void test_metered(void **state)
{
	struct plan_device *slow = device("slow", 1, 1), *dear = device("dear", 1, 1);
	struct plan_task *one, *two;

	kind.work = 1000;
	slow->pace = 10;
	dear->metered = true;
	dear->rate = 1000000;
	one = task(1, 1, now + 60000);
	one->bytes = 1000000;
	expect(PLAN_GIVE, one, slow);
	/* The next would be late there: it would begin in 10 s. */
	two = task(1, 1, now + 15000);
	two->bytes = 1000000;
	expect(PLAN_GIVE, two, dear);
	expect_nothing();
	/* Without a deadline there is time, and what has no inputs costs nothing. */
	one = task(1, 1, 0);
	one->bytes = 1;
	expect_nothing();
	assert_true(back(two, dear, 1, 1000));
	expect(PLAN_BELIEVE, two, dear);
	expect_nothing();
	two = task(1, 1, 0);
	expect(PLAN_GIVE, two, dear);
	/* Nor is a copy of what only a stranger has worth money. */
	slow->good = 0;
	now += 1;
	plan_heard(dear, true, 1, 0, now);
	expect_nothing();
	slow->good = 1;
	/* Where there is nobody else, there is no other way. */
	slow->slots = 0;
	assert_true(back(two, dear, 1, 1000));
	expect(PLAN_BELIEVE, two, dear);
	expect(PLAN_GIVE, one, dear);
}

/* Lost: a device for ever, for one wrong result; or the next wrong result, believed too early. */
static void test_forgiven(void **state)
{
	struct plan_device *a = device("a", 9, 1), *b = device("b", 9, 1), *liar;
	struct plan_task *one, *two;

	liar = device("liar", 9, 1);
	liar->bad = 1;
	liar->caught = now;
	/* Not for a day, not even with others. */
	one = task(3, 2, 0);
	expect(PLAN_GIVE, one, NULL);
	expect(PLAN_GIVE, one, NULL);
	expect_nothing();
	now += PLAN_BAN;
	plan_heard(liar, true, 9, 0, now);
	a->slots = b->slots = 0;
	/* Then for what others confirm, and for nothing else. */
	assert_true(plan_is_on_probation(liar, now));
	two = task(1, 1, 0);
	expect(PLAN_GIVE, one, liar);
	expect_nothing();
	for (unsigned i = 0; i < PLAN_REDEEM; i++) {
		struct plan_task *other;

		assert_int_equal(liar->bad, 1);
		plan_heard(a, true, 9, 0, now);
		plan_heard(b, true, 0, 0, now);
		other = task(2, 2, 1);
		expect(PLAN_GIVE, other, NULL);
		expect(PLAN_GIVE, other, NULL);
		back(other, a, 1, 5);
		back(other, liar, 1, 5);
		expect(PLAN_BELIEVE, other, NULL);
		plan_remove(other);
		plan_heard(a, true, 0, 0, now);
	}
	/* It is a stranger again, and is asked as one. */
	expect(PLAN_GIVE, two, liar);
	assert_int_equal(liar->bad, 0);
	assert_int_equal(liar->good, 0);
	/* The second time takes longer, and time alone forgives, too. */
	liar->bad = 2;
	liar->caught = now;
	assert_int_equal(plan_ban(liar), 4 * PLAN_BAN);
	one = task(1, 1, 0);
	now += 8 * PLAN_BAN - 1;
	plan_heard(liar, true, 9, 0, now);
	expect_nothing();
	assert_int_equal(liar->bad, 2);
	now += PLAN_BAN + 1;
	plan_heard(liar, true, 9, 0, now);
	expect(PLAN_GIVE, one, liar);
	assert_int_equal(liar->bad, 0);
}

/* Lost: an answer, to the result alone of a device that was caught meanwhile. */
static void test_caught_meanwhile(void **state)
{
	struct plan_device *liar = device("liar", 1, 1), *other;
	struct plan_task *one = task(1, 1, 0);

	expect(PLAN_GIVE, one, liar);
	liar->bad = 1;
	liar->caught = now;
	other = device("other", 1, 1);
	back(one, liar, 9, 5);
	expect(PLAN_GIVE, one, other);
	expect_nothing();
	back(one, other, 1, 5);
	expect(PLAN_BELIEVE, one, other);
	expect(PLAN_CAUGHT, one, liar);
	assert_int_equal(liar->bad, 2);
}

/* A device that was gone is back before somebody else could be asked: it goes on. */
static void test_back_again(void **state)
{
	struct plan_device *gone = device("gone", 1, 1);
	struct plan_task *one = task(1, 1, 0);

	kind.work = 100000;
	expect(PLAN_GIVE, one, gone);
	now = expect_nothing();
	expect_nothing();
	plan_heard(gone, true, 1, 0, now);
	device("other", 1, 1);
	expect_nothing();
}

/* Lost: a node, to many tasks: @count of @kinds kinds, done one after the other by four devices. What
 * it costs is measured by bench/tasks. */
static void do_many(unsigned count, unsigned kinds)
{
	struct plan_kind *all = calloc(kinds, sizeof(*all));
	struct plan_task *held[4][600];
	unsigned first[4] = {0}, last[4] = {0}, done = 0;
	struct plan_device *devices[4];
	char name[8];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		devices[i] = device(name, 2, 1);
	}
	for (unsigned i = 0; i < count; i++)
		assert_non_null(plan_add(&plan, &all[i % kinds], 1, 1, 0, now));
	while (done < count) {
		struct plan_action action;
		uint64_t when;

		while (plan_next(&plan, now, &action, &when))
			if (action.what == PLAN_GIVE) {
				unsigned i = (unsigned)(action.device->name[1] - '0');

				held[i][last[i]++ % 600] = action.task;
				assert_true(last[i] - first[i] < 600);
			} else {
				assert_int_equal(action.what, PLAN_BELIEVE);
				plan_remove(action.task);
				done++;
			}
		now += 50;
		for (unsigned i = 0; i < 4; i++) {
			plan_heard(devices[i], true, 2, 0, now);
			if (first[i] < last[i])
				assert_true(back(held[i][first[i]++ % 600], devices[i], 1, 50));
		}
	}
	assert_null(plan.tasks.first);
	assert_int_equal(plan.kind_count, 0);
	assert_int_equal(plan.kind_users, 0);
	free(all);
}

static void test_many(void **state)
{
	do_many(5000, 1);
	do_many(2000, 2000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_own_first),
		TEST(test_alone),
		TEST(test_balance),
		TEST(test_pace),
		TEST(test_strangers),
		TEST(test_familiar),
		TEST(test_vanished),
		TEST(test_cannot),
		TEST(test_liar),
		TEST(test_tie),
		TEST(test_deadline),
		TEST(test_order),
		TEST(test_cancelled),
		TEST(test_battery_and_load),
		TEST(test_metered),
		TEST(test_forgiven),
		TEST(test_caught_meanwhile),
		TEST(test_back_again),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
