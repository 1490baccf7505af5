/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a recorded link: refused with words, or a trace that keeps the promises of its
 * header. */
#include "lab/trace.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {.text = ""};
	struct trace *trace = NULL;
	int r = trace_parse((const char *)data, size, &trace, &err);

	if (r < 0) {
		must(r == -EINVAL && !trace && err.text[0]);
		return 0;
	}
	must(trace->count > 0 && trace->period > 0);
	for (uint64_t n = 0; n < 3 * (uint64_t)trace->count; n++) {
		uint64_t at = trace_opportunity(trace, n), first = trace_find(trace, at);

		must(n == 0 || at >= trace_opportunity(trace, n - 1));
		must(first <= n && trace_opportunity(trace, first) == at);
		must(first == 0 || trace_opportunity(trace, first - 1) < at);
		must(trace_find(trace, at + 1) > n);
	}
	trace_free(trace);
	return 0;
}
