/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measurements that came with the program, or from elsewhere: refused, or choices are made by them. */
#include "choose/measurements.h"
#include "choose/model.h"
#include "choose/regret.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct measurements measurements;
	struct regret regret;

	if (document && measurements_from(document, &measurements, NULL) == 0) {
		const struct model_place place = {
			.profile = model_profile(&measurements, 1, 1e9), .packet = 1000, .cpus = 1};

		for (unsigned i = 0; i < measurements.count; i++)
			if (!(model_figure(&measurements, &place, measurements.all[i].stack,
					   measurements.all[i].protocol,
					   measurements.all[i].workload,
					   measurements.all[i].figure) >= 0))
				abort();
		regret_of(&measurements, "native", &regret);
		measurements_free(&measurements);
	}
	json_decref(document);
	return 0;
}
