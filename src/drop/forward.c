/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/forward.h"

#include <errno.h>

static bool is_known(uint64_t type)
{
	return type == BLOCK_PREVIOUS || type == BLOCK_AGE || type == BLOCK_HOPS;
}

static bool has(const struct bundle *bundle, uint64_t type)
{
	for (unsigned i = 0; i < bundle->block_count; i++)
		if (bundle->blocks[i].type == type)
			return true;
	return false;
}

int forward_arrive(struct bundle *bundle, uint64_t now)
{
	for (unsigned i = bundle->block_count; i-- > 0;) {
		struct bundle_block *block = &bundle->blocks[i];

		if (is_known(block->type))
			continue;
		if (block->flags & BLOCK_ELSE_DELETE_BUNDLE)
			return -EPROTO;
		if (block->flags & BLOCK_ELSE_DISCARD)
			bundle_remove(bundle, block);
	}
	if (has(bundle, BLOCK_HOPS) && ++bundle->hop_count > bundle->hop_limit)
		return -ELOOP;
	return forward_expires(bundle, now) <= now ? -ETIME : 0;
}

uint64_t forward_expires(const struct bundle *bundle, uint64_t now)
{
	uint64_t lifetime =
		bundle->lifetime < FORWARD_LIFETIME_MAX ? bundle->lifetime : FORWARD_LIFETIME_MAX;
	uint64_t expires;

	if (has(bundle, BLOCK_AGE))
		return bundle->age >= lifetime ? now : now + lifetime - bundle->age;
	if (bundle->created == 0)
		return now + lifetime;
	/* A source whose clock is ahead gets no more than others. */
	if (bundle->created > UINT64_MAX - DTN_EPOCH_MS - lifetime)
		return now + lifetime;
	expires = bundle->created + DTN_EPOCH_MS + lifetime;
	return expires < now + lifetime ? expires : now + lifetime;
}

int forward_depart(struct bundle *bundle, const struct eid *self, uint64_t waited)
{
	if (!bundle_want(bundle, BLOCK_PREVIOUS))
		return -E2BIG;
	bundle->previous = *self;
	if (has(bundle, BLOCK_AGE))
		bundle->age = bundle->age > UINT64_MAX - waited ? UINT64_MAX : bundle->age + waited;
	return 0;
}
