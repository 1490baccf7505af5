/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/recall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	*state = recall_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	recall_free(*state);
	return 0;
}

static void put(struct recall *recall, uint64_t cookie, int name, int value)
{
	recall_put(recall, cookie, 6, name, &value, sizeof(value));
}

static bool has(const struct recall *recall, uint64_t cookie, int name, int value)
{
	const struct recalled *one = recall_get(recall, cookie, 6, name);

	return one && one->length == sizeof(value) &&
	       memcmp(one->bytes, &value, sizeof(value)) == 0;
}

static unsigned count(const struct recall *recall, uint64_t cookie)
{
	const struct recalled *one = NULL;
	unsigned n = 0;

	while ((one = recall_next(recall, cookie, one)))
		n++;
	return n;
}

/* Lost: a program would get what another socket, another option or it itself had set before. */
static void test_each_socket_has_its_own(void **state)
{
	struct recall *recall = *state;

	put(recall, 1, 18, 100);
	put(recall, 1 + 2048, 18, 200); /* falls into the same chain */
	put(recall, 1, 12, 1);
	assert_true(has(recall, 1, 18, 100));
	assert_true(has(recall, 2049, 18, 200));
	assert_null(recall_get(recall, 2, 6, 18));
	assert_null(recall_get(recall, 1, 1, 18));
	put(recall, 1, 18, 300);
	assert_true(has(recall, 1, 18, 300));
	assert_int_equal(count(recall, 1), 2);
	assert_int_equal(count(recall, 2049), 1);
	assert_int_equal(recall_next(recall, 1, NULL)->name, 18);
}

static void test_what_is_forgotten_is_gone(void **state)
{
	struct recall *recall = *state;

	for (int name = 0; name < 5; name++)
		put(recall, 7, name, name);
	recall_forget(recall, 7, 6, 0);
	recall_forget(recall, 7, 6, 2);
	recall_forget(recall, 7, 6, 4);
	recall_forget(recall, 7, 6, 99);
	recall_forget(recall, 8, 6, 1);
	assert_int_equal(count(recall, 7), 2);
	assert_true(has(recall, 7, 1, 1));
	assert_true(has(recall, 7, 3, 3));
}

/* Lost: memory would grow with each socket of a program that runs for months. */
static void test_the_oldest_makes_room(void **state)
{
	struct recall *recall = *state;
	const uint64_t sockets = RECALL_SLOTS * 3 + 5;

	for (uint64_t cookie = 1; cookie <= sockets; cookie++) {
		put(recall, cookie, 18, (int)cookie);
		assert_true(has(recall, cookie, 18, (int)cookie));
	}
	for (uint64_t cookie = 1; cookie <= sockets - RECALL_SLOTS; cookie++)
		assert_int_equal(count(recall, cookie), 0);
	for (uint64_t cookie = sockets - RECALL_SLOTS + 1; cookie <= sockets; cookie++)
		assert_true(has(recall, cookie, 18, (int)cookie));
}

/* Lost: forgotten slots that are used again would take others' settings with them. */
static void test_forgotten_slots_are_used_again(void **state)
{
	struct recall *recall = *state;

	for (uint64_t cookie = 1; cookie <= RECALL_SLOTS; cookie++)
		put(recall, cookie, 18, 1);
	for (uint64_t cookie = 1; cookie <= RECALL_SLOTS; cookie += 2)
		recall_forget(recall, cookie, 6, 18);
	for (uint64_t cookie = 1; cookie <= RECALL_SLOTS / 2; cookie++)
		put(recall, cookie + 1000000, 18, 2);
	for (uint64_t cookie = 1; cookie <= RECALL_SLOTS / 2; cookie++)
		assert_true(has(recall, cookie + 1000000, 18, 2));
	for (uint64_t cookie = 1; cookie <= RECALL_SLOTS; cookie++)
		assert_int_equal(count(recall, cookie),
				 cookie % 2 == 0 && cookie > RECALL_SLOTS / 2);
}

/* Lost: a long value would be written over what lies behind. */
static void test_long_and_empty_values(void **state)
{
	struct recall *recall = *state;
	uint8_t value[RECALL_BYTES * 2];

	memset(value, 0xaa, sizeof(value));
	recall_put(recall, 5, 0, 4, value, sizeof(value));
	assert_int_equal(recall_get(recall, 5, 0, 4)->length, RECALL_BYTES);
	recall_put(recall, 5, 0, 4, NULL, 0);
	assert_int_equal(recall_get(recall, 5, 0, 4)->length, 0);
	assert_int_equal(recall_get(recall, 5, 0, 4)->bytes[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_socket_has_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_forgotten_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forgotten_slots_are_used_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_long_and_empty_values, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
