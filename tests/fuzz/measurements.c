/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measurements that came with the program, or from elsewhere: refused, or choices are made by them. */
#include "choose/measurements.h"
#include "choose/model.h"
#include "choose/regret.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_all(const struct measurements *from, const struct model_place *place)
{
	double all[WAYS_MAX];

	for (unsigned i = 0; i < from->workloads.count; i++)
		for (unsigned j = 0; j < from->figures.count; j++) {
			model_figures(from, place, from->workloads.all[i], from->figures.all[j],
				      all);
			for (unsigned way = 0; way < WAYS_MAX; way++)
				if (!(all[way] >= 0))
					abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct measurements measurements;
	struct regret regret;

	if (document && measurements_from(document, &measurements, NULL) == 0) {
		const struct model_place place = {.scenario = MODEL_ANY,
						  .profile =
							  model_profile(&measurements, 0, 1, 1e9),
						  .packet = 1000,
						  .cpus = 1};

		if (place.profile >= 0)
			try_all(&measurements, &place);
		regret_of(&measurements, "native", &regret);
		measurements_free(&measurements);
	}
	json_decref(document);
	return 0;
}
