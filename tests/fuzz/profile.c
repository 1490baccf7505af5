/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware profiles of the user's: what is taken has a quota that kernels take. */
#include "assess/profile.h"
#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct profile profile;
	struct err err;

	if (profile_parse(text, &profile, &err) == 0 && profile.cpus > 0) {
		struct profile_quota quota = profile_quota(&profile);

		if (quota.time < NS_PER_MS || quota.period < NS_PER_MS || quota.period > NS_PER_S)
			abort();
	}
	free(text);
	return 0;
}
