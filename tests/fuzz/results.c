/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of records, which may come from another machine: refused with its line, or put together and shown. */
#include "assess/results.h"
#include "assess/report_parts.h"
#include "choose/measurements.h"
#include "choose/regret.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void choose(json_t *described)
{
	struct measurements measurements;
	struct regret regret;

	if (measurements_from(described, &measurements, NULL) < 0)
		return;
	regret_of(&measurements, "native", &regret);
	measurements_free(&measurements);
}

static void show(const struct summary *summary)
{
	static FILE *nowhere;
	struct page page = {.summary = summary};

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	page.out = nowhere;
	page_machine(&page);
	page_answers(&page);
	page_scenarios(&page);
	page_failures(&page);
	page_method(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct results results = {.fd = -1, .all = json_array(), .keys = json_object()};
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
	struct summary summary;
	struct err err;
	off_t whole;

	if (file && results_read(file, "results.jsonl", &results, &whole, &err) == 0) {
		if (whole > (off_t)size)
			abort();
		if (summary_make(results.all, &summary) == 0) {
			json_t *described = summary_describe(&summary);

			show(&summary);
			choose(described);
			json_decref(described);
			summary_free(&summary);
		}
	}
	if (file)
		fclose(file);
	results_close(&results);
	return 0;
}
