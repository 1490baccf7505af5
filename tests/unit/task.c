/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, a task would mean something else elsewhere, or a name of a file lead out of its folder. */
#include "drop/task.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const char *const good[] = {"a", "a/b", "..a", ".a", "a..", "a b/\xff"};
	static const char *const bad[] = {"",       "/", "/a",  "a/",    "..",   "../a",  "a/..",
					  "a/../b", ".", "./a", "a/./b", "a//b", "a/b/.."};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(task_is_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(task_is_name(bad[i]));
}

static void test_task(void **state)
{
	char program[] = "./x", argument[] = "";
	struct task_file inputs[] = {{.name = "x", .object = {1}, .program = true},
				     {.name = "y/z", .object = {2}}},
			 outputs[] = {{.name = "out"}};
	struct task task = {.id = {7},
			    .arguments = {program, argument},
			    .argument_count = 2,
			    .inputs = inputs,
			    .input_count = 2,
			    .outputs = outputs,
			    .output_count = 1,
			    .limits = {1, 2, 3, 4},
			    .deadline = 9,
			    .expires = 5},
		    read;
	_cleanup_bytes_ struct bytes text = {0}, again = {0};

	task_put(&text, &task);
	assert_int_equal(task_type(text.data, text.size), TASK_TASK);
	assert_int_equal(task_read(text.data, text.size, &read), 0);
	task_put(&again, &read);
	assert_int_equal(again.size, text.size);
	assert_memory_equal(again.data, text.data, text.size);
	assert_true(read.inputs[0].program);
	task_free(&read);
	for (size_t cut = 0; cut < text.size; cut++) {
		assert_int_equal(task_read(text.data, cut, &read), -EBADMSG);
		task_free(&read);
	}
	/* Two files of one name, and one outside. */
	strcpy(inputs[1].name, "x");
	text.size = 0;
	task_put(&text, &task);
	assert_int_equal(task_read(text.data, text.size, &read), -EBADMSG);
	task_free(&read);
	strcpy(inputs[1].name, "../x");
	text.size = 0;
	task_put(&text, &task);
	assert_int_equal(task_read(text.data, text.size, &read), -EBADMSG);
	task_free(&read);
}

static void test_result(void **state)
{
	struct task_file outputs[] = {{.name = "out", .object = {3}, .size = 9}};
	struct task_result result = {.id = {7},
				     .owner = "ada",
				     .end = TASK_EXITED,
				     .code = 3,
				     .output = (const uint8_t *)"abc",
				     .output_size = 3,
				     .outputs = outputs,
				     .output_count = 1},
			   read;
	_cleanup_bytes_ struct bytes text = {0};
	uint8_t one[HASH_SIZE], two[HASH_SIZE];

	task_put_result(&text, &result);
	assert_int_equal(task_read_result(text.data, text.size, &read), 0);
	task_digest(&result, one);
	task_digest(&read, two);
	assert_memory_equal(one, two, HASH_SIZE);
	/* What is said on the side does not count; what was made does. */
	read.error = (const uint8_t *)"warning";
	read.error_size = 7;
	read.run = 99;
	task_digest(&read, two);
	assert_memory_equal(one, two, HASH_SIZE);
	read.outputs[0].object[0] = 4;
	task_digest(&read, two);
	assert_memory_not_equal(one, two, HASH_SIZE);
	task_result_free(&read);
	for (size_t cut = 0; cut < text.size; cut++) {
		assert_int_equal(task_read_result(text.data, cut, &read), -EBADMSG);
		task_result_free(&read);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_task),
		cmocka_unit_test(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
