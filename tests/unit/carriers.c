/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of links whose carrier goes, in a network namespace of two devices; without the right to make one nothing is tried. */
#include "run/carriers.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cannot.h"

struct said {
	unsigned times, link;
	bool lost;
};

static void act(unsigned link, bool lost, void *data)
{
	struct said *said = data;

	said->times++;
	said->link = link;
	said->lost = lost;
}

/* Lost: a tenth of a second to a second in which nothing comes, while the kernel does not tell that a link is gone. */
static void one_that_goes_and_comes_back(void **state)
{
	enum multipath_use use[] = {MULTIPATH_NOT_A_LINK, MULTIPATH_USED};
	struct carriers carriers = {0};
	_cleanup_nl_ struct nl *nl = NULL;
	struct said said = {0};
	struct link all[2] = {0};
	struct links links = {.all = all, .count = 2};

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
	    system("ip link add here type veth peer name there && ip link set here up && ip link "
		   "set there up") != 0)
		CANNOT("there is no network namespace, or veth devices");
	all[0].index = if_nametoindex("lo");
	all[1].index = if_nametoindex("here");
	assert_int_equal(nl_open(&nl, NETLINK_ROUTE), 0);
	carriers_look(&carriers, nl, &links, use, act, &said);
	assert_int_equal(said.times, 0);

	assert_int_equal(system("ip link set there down"), 0);
	for (unsigned i = 0; i < 2; i++)
		carriers_look(&carriers, nl, &links, use, act, &said);
	assert_int_equal(said.times, 1);
	assert_int_equal(said.link, all[1].index);
	assert_true(said.lost);

	/* It is not used any more, and asked for all the same. */
	use[1] = MULTIPATH_SILENT;
	assert_int_equal(system("ip link set there up"), 0);
	for (unsigned i = 0; i < 2; i++)
		carriers_look(&carriers, nl, &links, use, act, &said);
	assert_int_equal(said.times, 2);
	assert_false(said.lost);

	use[1] = MULTIPATH_USED;
	assert_int_equal(system("ip link delete here"), 0);
	carriers_look(&carriers, nl, &links, use, act, &said);
	assert_int_equal(said.times, 3);
	assert_true(said.lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_that_goes_and_comes_back)};

	return cannot_end(cmocka_run_group_tests(tests, NULL, NULL));
}
