/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of servers: whatever the file says, it is bounded, and says the same when it is written again. */
#include "via/memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct memory_clock clock = {1000, 1000000};
	static char text[MEMORY_TEXT_MAX], again[MEMORY_TEXT_MAX];
	static struct ways ways;
	size_t length;

	ways = (struct ways){0};
	memory_parse(&ways, (const char *)data, size, &clock);
	length = memory_text(&ways, text, &clock);
	if (length > MEMORY_TEXT_MAX)
		abort();
	ways = (struct ways){0};
	memory_parse(&ways, text, length, &clock);
	if (memory_text(&ways, again, &clock) != length || memcmp(text, again, length) != 0)
		abort();
	return 0;
}
