/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a host with one broken family or one dead address would be slow or impossible to
 * reach though another address of it answers. */
#include "stack/race.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL

/* Addresses are told apart by their ports. */
static void resolve(struct race *race, enum race_family family, unsigned first, unsigned count,
		    uint64_t now)
{
	struct sockaddr_storage all[RACE_MAX + 4] = {0};

	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_in *sin = (struct sockaddr_in *)&all[i];

		sin->sin_family = family == RACE_IPV4 ? AF_INET : AF_INET6;
		sin->sin_port = htons((uint16_t)(first + i));
	}
	race_resolved(race, family, all, count, now);
}

/* The number of the address to try at @now; 0: none, and @wake says when. */
static unsigned next(struct race *race, uint64_t now, uint64_t *wake)
{
	const struct sockaddr_storage *to = race_next(race, now, wake);

	return to ? ntohs(((const struct sockaddr_in *)to)->sin_port) : 0;
}

/* Lost: all attempts at once would load servers, all one after the other would take minutes. */
static void staggers_and_alternates(void **state)
{
	const unsigned order[] = {60, 40, 61, 41, 42};
	struct race race;
	uint64_t wake = 0, now = 7 * MS;

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV4, 40, 3, now);
	resolve(&race, RACE_IPV6, 60, 2, now);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(next(&race, now, &wake), order[i]);
		assert_false(race_is_over(&race));
		assert_int_equal(next(&race, now, &wake), 0);
		assert_int_equal(wake, i < 4 ? now + 250 * MS : RACE_NEVER);
		assert_int_equal(next(&race, now + 250 * MS - 1, &wake), 0);
		now += 250 * MS;
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_false(race_is_over(&race));
		race_failed(&race, now);
	}
	assert_true(race_is_over(&race));
}

/* Lost: an address that refuses would still cost its whole turn. */
static void goes_on_at_once_after_a_failure(void **state)
{
	struct race race;
	uint64_t wake;

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV6, 60, 1, 0);
	resolve(&race, RACE_IPV4, 40, 1, 0);
	assert_int_equal(next(&race, 0, &wake), 60);
	race_failed(&race, 3 * MS);
	assert_int_equal(next(&race, 3 * MS, &wake), 40);
	race_failed(&race, 5 * MS);
	assert_int_equal(next(&race, 5 * MS, &wake), 0);
	assert_true(race_is_over(&race));
}

/* Lost: a name server that drops AAAA questions would hold up every connection. */
static void waits_a_little_for_ipv6(void **state)
{
	struct race race;
	uint64_t wake;

	race_start(&race, 250 * MS);
	assert_int_equal(next(&race, 0, &wake), 0);
	assert_int_equal(wake, RACE_NEVER);
	assert_false(race_is_over(&race));

	resolve(&race, RACE_IPV4, 40, 2, 10 * MS);
	assert_int_equal(next(&race, 10 * MS, &wake), 0);
	assert_int_equal(wake, 60 * MS);
	assert_int_equal(next(&race, 60 * MS, &wake), 40);

	/* The late ones come in at the next turn. */
	resolve(&race, RACE_IPV6, 60, 1, 100 * MS);
	assert_int_equal(next(&race, 100 * MS, &wake), 0);
	assert_int_equal(wake, 310 * MS);
	assert_int_equal(next(&race, 310 * MS, &wake), 60);
	assert_int_equal(next(&race, 560 * MS, &wake), 41);
}

/* Lost: IPv6 would be slow wherever it is there. */
static void ipv6_does_not_wait(void **state)
{
	struct race race;
	uint64_t wake;

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV6, 60, 1, 10 * MS);
	assert_int_equal(next(&race, 10 * MS, &wake), 60);

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV4, 40, 1, 10 * MS);
	assert_int_equal(next(&race, 11 * MS, &wake), 0);
	resolve(&race, RACE_IPV6, 0, 0, 12 * MS);
	assert_int_equal(next(&race, 12 * MS, &wake), 40);
}

/* Lost: a name without addresses would be waited for until the timeout. */
static void ends_without_addresses(void **state)
{
	struct race race;
	uint64_t wake;

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV6, 0, 0, 0);
	assert_false(race_is_over(&race));
	resolve(&race, RACE_IPV4, 0, 0, 0);
	assert_true(race_is_over(&race));
	assert_int_equal(next(&race, 0, &wake), 0);
	assert_int_equal(wake, RACE_NEVER);
}

/* Lost: a zone with hundreds of addresses would overflow, or flood. */
static void bounds_what_is_tried(void **state)
{
	struct race race;
	uint64_t wake;
	unsigned tried = 0;

	race_start(&race, 250 * MS);
	resolve(&race, RACE_IPV6, 0, 0, 0);
	resolve(&race, RACE_IPV4, 40, RACE_MAX + 4, 0);
	for (uint64_t now = 0; next(&race, now, &wake); now += 250 * MS)
		tried++;
	assert_int_equal(tried, RACE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(staggers_and_alternates),
		cmocka_unit_test(goes_on_at_once_after_a_failure),
		cmocka_unit_test(waits_a_little_for_ipv6),
		cmocka_unit_test(ipv6_does_not_wait),
		cmocka_unit_test(ends_without_addresses),
		cmocka_unit_test(bounds_what_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
