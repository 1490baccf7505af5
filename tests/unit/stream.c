/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost if wrong: a byte that a stack changed, lost or doubled would pass as measured. */
#include "assess/stream.h"
#include "assess/timeline.h"

#include <errno.h>
#include <string.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SEED 42

/* A stream of @bytes of the pattern with its end; returns the size. */
static size_t make(uint8_t *to, uint64_t bytes)
{
	struct stream_out out = {.seed = SEED};
	size_t size = 0;

	while (!out.ended) {
		uint8_t block[STREAM_BLOCK];
		size_t part = stream_write(&out, bytes - out.bytes, block);

		memcpy(to + size, block, part);
		size += part;
	}
	assert_int_equal(out.bytes, bytes);
	return size;
}

static uint8_t buffer[100000];

static void any_pieces(void **state)
{
	size_t size = make(buffer, 50001);

	for (size_t piece = 1; piece < 40000; piece = piece * 3 + 1) {
		struct stream_in in = {.seed = SEED};
		int taken = 0;

		for (size_t at = 0; at < size; at += piece) {
			int got = stream_read(&in, buffer + at,
					      size - at < piece ? size - at : piece);

			assert_true(got >= 0);
			taken += got;
		}
		assert_int_equal(taken, 50001);
		assert_int_equal(in.bytes, 50001);
		assert_int_equal(in.bad, 0);
		assert_true(in.ended);
	}
}

static void wrong_bytes(void **state)
{
	struct stream_in in = {.seed = SEED};
	size_t size = make(buffer, 50001);

	buffer[20000] ^= 1;
	buffer[20001] ^= 0x80;
	assert_int_equal(stream_read(&in, buffer, size), 50001);
	assert_int_equal(in.bad, 2);
}

static void lost_bytes(void **state)
{
	struct stream_in in = {.seed = SEED};
	size_t size = make(buffer, 50001);
	int code;

	memmove(buffer + 10000, buffer + 10001, size - 10001);
	code = stream_read(&in, buffer, size - 1);
	assert_true(code == -EBADMSG && in.bad > 6000);
}

static void nothing_and_garbage(void **state)
{
	struct stream_in empty = {.seed = SEED}, wrong = {.seed = SEED};
	uint8_t end[STREAM_HEAD + 1] = {0, 0, 0, 0, 255, 255, 255, 255, 1};

	assert_int_equal(stream_read(&empty, end, STREAM_HEAD), 0);
	assert_true(empty.ended);
	assert_int_equal(stream_read(&empty, end + STREAM_HEAD, 1), -EBADMSG);
	assert_int_equal(stream_read(&wrong, (const uint8_t *)"GET / HTTP/1.1", 14), -EBADMSG);
}

/* Lost: a stall that nobody is told of, or one that was none. */
static void silences(void **state)
{
	static struct timeline line, again;
	json_t *json;

	for (unsigned i = 0; i < 100; i++)
		timeline_add(&line, (100 + 10 * i) * NS_PER_MS, 1000);
	/* From 1.09 s on nothing, until 1.59 s. */
	for (unsigned i = 0; i < 41; i++)
		timeline_add(&line, (1590 + 10 * i) * NS_PER_MS, 1000);
	timeline_end(&line, 2040 * NS_PER_MS);
	assert_int_equal(line.bytes, 141000);
	assert_int_equal(timeline_longest(&line), 500 * NS_PER_MS);
	assert_int_equal(timeline_recovery(&line, 1100 * NS_PER_MS, UINT64_MAX), 490 * NS_PER_MS);
	/* An event that nothing felt, and one after which other silences are not its own. */
	assert_int_equal(timeline_recovery(&line, 1700 * NS_PER_MS, 1900 * NS_PER_MS), 0);
	assert_int_equal(timeline_recovery(&line, 500 * NS_PER_MS, 900 * NS_PER_MS), 0);
	assert_true(timeline_goodput(&line) > 141000 * 8 / 1.9001 &&
		    timeline_goodput(&line) < 141000 * 8 / 1.8899);
	json = timeline_describe(&line);
	assert_int_equal(timeline_parse(json, &again), 0);
	assert_memory_equal(&line, &again, sizeof(line));
	json_object_set_new(json, "bytes", json_integer(-1));
	assert_int_equal(timeline_parse(json, &again), -EINVAL);
	json_decref(json);
}

/* Lost: the longest stall, if there were many. */
static void many_silences(void **state)
{
	static struct timeline line;

	for (unsigned i = 0; i < 500; i++)
		timeline_add(&line, (i * 30 + (i > 250 ? 1000 : 0)) * NS_PER_MS, 1);
	assert_int_equal(line.gap_count, TIMELINE_GAPS);
	assert_int_equal(timeline_longest(&line), 1030 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_pieces), cmocka_unit_test(wrong_bytes),
		cmocka_unit_test(lost_bytes), cmocka_unit_test(nothing_and_garbage),
		cmocka_unit_test(silences),   cmocka_unit_test(many_silences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
