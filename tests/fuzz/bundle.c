/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bundles come from anybody in the crowd and from those whom they met: whatever the bytes are, they are refused, or
 * they are a bundle that is written again as the same bytes, can be forwarded, and falls into fragments. */
#include "drop/bundle.h"
#include "drop/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void forward(struct bundle *bundle, size_t size)
{
	const uint64_t now = 1700000000000;
	struct eid self = eid_make("self", "");
	struct bundle back;
	struct bytes out = {0};

	if (forward_arrive(bundle, now) != 0)
		return;
	must(forward_expires(bundle, now) > now);
	must(forward_expires(bundle, now) <= now + FORWARD_LIFETIME_MAX);
	if (forward_depart(bundle, &self, 1000) != 0)
		return;
	bundle_put(&out, bundle, 0);
	must(!out.failed && out.size < size + 256);
	must(bundle_read(out.data, out.size, &back) == 0);
	must(eid_equal(&back.previous, &self));
	bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle bundle, part;
	struct bytes again = {0};
	char id[BUNDLE_ID_MAX];
	size_t payload = 0;
	int head = bundle_read_head(data, size, &bundle, &payload);

	must(head != 0 || payload <= size);
	if (bundle_read(data, size, &bundle) != 0)
		return 0;
	must(head == 0 || head == -E2BIG);
	must(strlen(bundle_id(&bundle, id)) < sizeof(id));
	bundle_put(&again, &bundle, 0);
	must(!again.failed && again.size == size && memcmp(again.data, data, size) == 0);
	bytes_free(&again);
	if (bundle.payload.size > 1 &&
	    bundle_fragment(&bundle, 1, bundle.payload.size - 1, &part) == 0)
		must(part.payload.data == bundle.payload.data + 1);
	forward(&bundle, size);
	return 0;
}
