/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, an upload would stand still for ever that met the bounds of TCP's memory at the wrong moment, and a download whose
 * next bytes came over a subflow that was closed. */
#include "lkl/kernel.h"
#include "lkl/stalls.h"
#include "lkl/streams_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL

/* The kernel's socket. */
static struct {
	uint32_t waiting, under_way;
	int corked, least;
	unsigned asked, pushed;
} far;

static unsigned enqueued;

int kernel_under_way(int fd, uint32_t *ret_waiting, uint32_t *ret_under_way)
{
	far.asked++;
	*ret_waiting = far.waiting;
	*ret_under_way = far.under_way;
	return 0;
}

int kernel_get_option(int fd, int level, int option, void *ret, socklen_t *size)
{
	if (level == SOL_SOCKET) {
		assert_int_equal(option, SO_RCVLOWAT);
		memcpy(ret, &far.least, sizeof(int));
		return 0;
	}
	assert_int_equal(option, TCP_CORK);
	memcpy(ret, &far.corked, sizeof(int));
	return 0;
}

int kernel_set_option(int fd, int level, int option, const void *value, socklen_t size)
{
	assert_int_equal(level, IPPROTO_TCP);
	assert_int_equal(option, TCP_CORK);
	assert_int_equal(*(const int *)value, 0);
	far.pushed++;
	return 0;
}

void stream_enqueue(struct streams *streams, struct stream *stream)
{
	enqueued++;
}

static struct streams streams;
static struct stream stream;
static struct stalls stalls;
static uint8_t bytes[8];

static int begin(void **state)
{
	memset(&far, 0, sizeof(far));
	far.least = 1;
	enqueued = 0;
	streams = (struct streams){0};
	stalls = (struct stalls){0};
	stream = (struct stream){.state = STREAM_CONNECTED, .sent = 1000};
	LIST_INIT(&streams.all);
	LIST_INSERT_HEAD(&streams.all, &stream, all);
	return 0;
}

static void what_is_under_way_is_waited_for(void **state)
{
	far.waiting = 500;
	far.under_way = 500;
	stream.up.held = bytes;
	assert_int_equal(stalls_look(&stalls, &streams, 1000 * MS, true, 0), 1050 * MS);
	assert_int_equal(stalls_look(&stalls, &streams, 1050 * MS, false, 0), 1100 * MS);
	assert_int_equal(enqueued + far.pushed, 0);
}

static void what_was_not_taken_is_tried_again(void **state)
{
	stream.up.held = bytes;
	assert_int_equal(stalls_look(&stalls, &streams, 1000 * MS, true, 0), 1050 * MS);
	assert_int_equal(enqueued, 1);
	assert_true(stream.far_out);
	/* In vain. */
	stream.far_out = false;
	assert_int_equal(stalls_look(&stalls, &streams, 1049 * MS, true, 0), 1050 * MS);
	assert_int_equal(enqueued, 1);
	stalls_look(&stalls, &streams, 1050 * MS, false, 0);
	assert_int_equal(enqueued, 2);
}

static void what_was_not_sent_is_pushed(void **state)
{
	far.waiting = 300;
	far.corked = 1; /* by the program */
	stalls_look(&stalls, &streams, 1000 * MS, true, 0);
	assert_int_equal(far.pushed, 0);
	far.corked = 0;
	stalls_look(&stalls, &streams, 1050 * MS, false, 0);
	assert_int_equal(far.pushed, 1);
	assert_int_equal(enqueued, 0);
}

static void who_sends_nothing_is_not_looked_at(void **state)
{
	/* All is acknowledged. */
	assert_int_equal(stalls_look(&stalls, &streams, 1000 * MS, true, 0), UINT64_MAX);
	assert_int_equal(far.asked, 1);
	assert_int_equal(stalls_look(&stalls, &streams, 2000 * MS, false, 0), UINT64_MAX);
	assert_int_equal(stalls_look(&stalls, &streams, 3000 * MS, true, 0), UINT64_MAX);
	assert_int_equal(far.asked, 1);
	stream.sent = 2000;
	far.under_way = 1000;
	assert_int_equal(stalls_look(&stalls, &streams, 4000 * MS, true, 0), 4050 * MS);
}

static void what_moves_just_after_a_look_is_looked_at(void **state)
{
	assert_int_equal(stalls_look(&stalls, &streams, 1000 * MS, true, 0), UINT64_MAX);
	stream.sent = 2000;
	far.waiting = 1000;
	assert_int_equal(stalls_look(&stalls, &streams, 1001 * MS, true, 0), 1050 * MS);
	assert_int_equal(stalls_look(&stalls, &streams, 1050 * MS, false, 0), 1100 * MS);
	assert_int_equal(far.pushed, 1);
}

static void who_gets_nothing_while_subflows_move_tries(void **state)
{
	stream.received = 500;
	/* It gets something. */
	stalls_look(&stalls, &streams, 1000 * MS, true, 500);
	assert_int_equal(enqueued, 0);
	assert_int_equal(stalls_look(&stalls, &streams, 1010 * MS, false, 600), 1050 * MS);
	assert_int_equal(enqueued, 0);
	assert_int_equal(stalls_look(&stalls, &streams, 1050 * MS, false, 600), UINT64_MAX);
	assert_int_equal(enqueued, 1);
	assert_true(stream.far_in);
	/* In vain. That it was tried is no reason to try again. */
	stream.far_in = false;
	stalls_look(&stalls, &streams, 1100 * MS, true, 600);
	assert_int_equal(enqueued, 1);
	stalls_look(&stalls, &streams, 1150 * MS, false, 700);
	assert_int_equal(enqueued, 2);
	/* The program would find less than it said it waits for. */
	stream.far_in = false;
	far.least = 10;
	stalls_look(&stalls, &streams, 1200 * MS, true, 800);
	assert_int_equal(enqueued, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_under_way_is_waited_for, begin),
		cmocka_unit_test_setup(what_was_not_taken_is_tried_again, begin),
		cmocka_unit_test_setup(what_was_not_sent_is_pushed, begin),
		cmocka_unit_test_setup(who_sends_nothing_is_not_looked_at, begin),
		cmocka_unit_test_setup(what_moves_just_after_a_look_is_looked_at, begin),
		cmocka_unit_test_setup(who_gets_nothing_while_subflows_move_tries, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
