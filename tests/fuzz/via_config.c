/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file's part about the relay. */
#include "via/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct via_config config;
	struct err err;

	config = (struct via_config){0};
	if (via_config_parse(&config, "config", (const char *)data, size, &err) == 0 &&
	    config.ways.count > WAYS_RULES_MAX)
		abort();
	return 0;
}
