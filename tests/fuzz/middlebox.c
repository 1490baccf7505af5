/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a frame: never a byte changed outside of it, and nothing left to strip after once.
 */
#include "lab/middlebox.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame = malloc(size ? size : 1);

	if (!frame)
		return 0;
	memcpy(frame, data, size);
	if (middlebox_strip_mptcp(frame, size) == 0 && memcmp(frame, data, size))
		abort();
	if (middlebox_strip_mptcp(frame, size) != 0)
		abort();
	free(frame);
	return 0;
}
