/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A relay, or whoever stands in its place, may send its client anything. */
#include "via/exchange.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	size_t used, again, early = size / 2;
	int code = exchange_reply(data, size, &used, &err);

	if (used > size || code > 0 || (code == -EAGAIN && size >= EXCHANGE_REPLY_MAX))
		abort();
	/* What is decided by a part of it is not decided otherwise by more. */
	code = exchange_reply(data, early, &again, &err);
	if (code == 0 && (exchange_reply(data, size, &used, &err) != 0 || used != again))
		abort();
	return 0;
}
