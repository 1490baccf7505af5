/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any local program may send the proxy anything as SOCKS5. */
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return try_request(&request_socks, data, size);
}
