/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What names a relay may come from anywhere. */
#include "via/join.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct join join, again;
	char text[JOIN_TEXT_MAX], *copy = strndup((const char *)data, size);
	struct err err;

	if (join_parse(copy, &join, &err) == 0 &&
	    (join_parse(join_text(&join, text), &again, &err) < 0 ||
	     memcmp(&join, &again, sizeof(join)) != 0))
		abort();
	free(copy);
	return 0;
}
