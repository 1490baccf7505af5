/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about tasks, and a runner's report: what is read is written again as the same bytes, and nothing is read beyond its end. */
#include "drop/sandbox.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct bytes *again, const uint8_t *data, size_t size)
{
	if (again->size != size || memcmp(again->data, data, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_bytes_ struct bytes again = {0};
	struct task task;
	struct task_result result;
	struct task_device device;
	struct sandbox_report report;
	uint8_t id[TASK_ID_SIZE];

	task_type(data, size);
	if (task_read(data, size, &task) == 0) {
		task_put(&again, &task);
		same(&again, data, size);
	}
	task_free(&task);
	if (task_read_result(data, size, &result) == 0) {
		task_put_result(&again, &result);
		same(&again, data, size);
	}
	task_result_free(&result);
	if (task_read_recall(data, size, id) == 0) {
		task_put_recall(&again, id);
		same(&again, data, size);
	}
	if (task_read_device(data, size, &device) == 0) {
		task_put_device(&again, &device);
		same(&again, data, size);
	}
	if (sandbox_read_report(data, size, &report) == 0) {
		sandbox_put_report(&again, &report);
		same(&again, data, size);
	}
	free(report.outputs);
	return 0;
}
