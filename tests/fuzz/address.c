/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses come from scenario files and command lines: whatever the text is, parsing it must not
 * crash, and what was taken as an address must read back as the same one. */
#include "base/address.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[128], back[ADDRESS_TEXT_MAX];
	struct address first, second;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (address_parse(text, &first) < 0)
		return 0;
	if (address_parse(address_text_prefix(&first, back), &second) < 0)
		abort();
	if (!address_equal(&first, &second) || first.prefix != second.prefix)
		abort();
	return 0;
}
