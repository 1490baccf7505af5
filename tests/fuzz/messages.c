/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about objects: what is read is written again as the same bytes, and nothing is read beyond its end. */
#include "drop/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_bytes_ struct bytes again = {0};
	struct object_message message;

	if (object_message_read(data, size, &message) < 0)
		return 0;
	object_message_put(&again, &message);
	if (again.size != size || memcmp(again.data, data, size) != 0)
		abort();
	return 0;
}
