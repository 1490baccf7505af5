/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What assessments have measured (their summary.json), as choices need it. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* A figure of one stack and protocol, in one scenario, workload and profile. Texts belong to the document. */
struct measured {
	const char *scenario, *workload, *profile, *stack, *protocol, *figure;
	double median, low, high; /* above 0 */
	double n;                 /* how often it was measured; 0: not known */
	double cpus, memory;      /* of the profile: processors' time, bytes; 0: not known */
};

struct measurements {
	json_t *document;     /* owned */
	struct measured *all; /* owned */
	unsigned count;
	double packet; /* ns that a small packet took on that machine; 0: not known */
};

/* From a summary; takes a reference of its own. -EINVAL: it is none. The caller frees with measurements_free(). */
int measurements_from(json_t *summary, struct measurements *ret, struct err *err);
/* From a file; -ENOENT, ... with words in @err. */
int measurements_load(const char *path, struct measurements *ret, struct err *err);
void measurements_free(struct measurements *measurements);
