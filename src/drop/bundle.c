/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/bundle.h"
#include "drop/crc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a checksum is made of: what was written since @begin, with @gap in it that is not written. */
static void put_crc(struct bytes *to, size_t begin, enum bundle_crc type, size_t gap_at,
		    const void *gap, size_t gap_size)
{
	size_t size = type == CRC_16 ? 2 : 4;
	uint8_t *at;
	uint32_t crc;

	if (type == CRC_NONE)
		return;
	items_put_bytes_head(to, size);
	at = bytes_extend(to, size);
	if (!at)
		return;
	memset(at, 0, size);
	if (type == CRC_16) {
		crc = crc16(0, to->data + begin, gap_at - begin);
		crc = crc16((uint16_t)crc, gap, gap_size);
		crc = crc16((uint16_t)crc, to->data + gap_at, to->size - gap_at);
	} else {
		crc = crc32c(0, to->data + begin, gap_at - begin);
		crc = crc32c(crc, gap, gap_size);
		crc = crc32c(crc, to->data + gap_at, to->size - gap_at);
	}
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(crc >> 8 * (size - 1 - i));
}

static void put_primary(struct bytes *to, const struct bundle *bundle)
{
	size_t begin = to->size;
	bool fragment = bundle->flags & BUNDLE_FRAGMENT;

	items_put_array(to, 8u + (fragment ? 2 : 0) + (bundle->crc != CRC_NONE));
	items_put_number(to, 7);
	items_put_number(to, bundle->flags);
	items_put_number(to, bundle->crc);
	eid_put(to, &bundle->destination);
	eid_put(to, &bundle->source);
	eid_put(to, &bundle->report_to);
	items_put_array(to, 2);
	items_put_number(to, bundle->created);
	items_put_number(to, bundle->sequence);
	items_put_number(to, bundle->lifetime);
	if (fragment) {
		items_put_number(to, bundle->offset);
		items_put_number(to, bundle->total);
	}
	put_crc(to, begin, bundle->crc, begin, NULL, 0);
}

/* The data of a block that is a member. */
static void put_known(struct bytes *to, const struct bundle *bundle, uint64_t type)
{
	switch (type) {
	case BLOCK_PREVIOUS:
		eid_put(to, &bundle->previous);
		break;
	case BLOCK_AGE:
		items_put_number(to, bundle->age);
		break;
	case BLOCK_HOPS:
		items_put_array(to, 2);
		items_put_number(to, bundle->hop_limit);
		items_put_number(to, bundle->hop_count);
		break;
	default:
		break;
	}
}

static void put_block(struct bytes *to, const struct bundle_block *block, size_t skip)
{
	size_t begin = to->size, gap;

	items_put_array(to, 5u + (block->crc != CRC_NONE));
	items_put_number(to, block->type);
	items_put_number(to, block->number);
	items_put_number(to, block->flags);
	items_put_number(to, block->crc);
	items_put_bytes_head(to, block->size);
	gap = to->size;
	if (block->size > skip)
		bytes_put(to, block->data + skip, block->size - skip);
	put_crc(to, begin, block->crc, gap, block->data, skip);
}

void bundle_put(struct bytes *to, const struct bundle *bundle, size_t skip)
{
	items_put_open(to);
	put_primary(to, bundle);
	for (unsigned i = 0; i < bundle->block_count; i++) {
		struct bundle_block block = bundle->blocks[i];
		_cleanup_bytes_ struct bytes known = {0};

		put_known(&known, bundle, block.type);
		if (known.size) {
			block.data = known.data;
			block.size = known.size;
		}
		put_block(to, &block, 0);
		to->failed |= known.failed;
	}
	put_block(to, &bundle->payload, skip < bundle->payload.size ? skip : bundle->payload.size);
	items_put_break(to);
}

struct bundle_block *bundle_find(struct bundle *bundle, uint64_t type)
{
	for (unsigned i = 0; i < bundle->block_count; i++)
		if (bundle->blocks[i].type == type)
			return &bundle->blocks[i];
	return NULL;
}

struct bundle_block *bundle_want(struct bundle *bundle, uint64_t type)
{
	struct bundle_block *block = bundle_find(bundle, type);
	uint64_t last = 1; /* the payload's number */

	if (block || bundle->block_count == BUNDLE_BLOCKS_MAX)
		return block;
	for (unsigned i = 0; i < bundle->block_count; i++)
		if (bundle->blocks[i].number > last)
			last = bundle->blocks[i].number;
	if (last == UINT64_MAX)
		return NULL;
	block = &bundle->blocks[bundle->block_count++];
	*block =
		(struct bundle_block){.type = type, .number = last + 1, .crc = bundle->payload.crc};
	return block;
}

void bundle_remove(struct bundle *bundle, struct bundle_block *block)
{
	size_t behind = (size_t)(bundle->blocks + bundle->block_count - (block + 1));

	memmove(block, block + 1, behind * sizeof(*block));
	bundle->block_count--;
}

const char *bundle_id(const struct bundle *bundle, char text[static BUNDLE_ID_MAX])
{
	int size = snprintf(text, BUNDLE_ID_MAX, "%s %" PRIu64 ".%" PRIu64, bundle->source.text,
			    bundle->created, bundle->sequence);

	if (bundle->flags & BUNDLE_FRAGMENT)
		snprintf(text + size, BUNDLE_ID_MAX - (size_t)size, " %" PRIu64 "+%zu",
			 bundle->offset, bundle->payload.size);
	return text;
}

int bundle_fragment(const struct bundle *bundle, size_t from, size_t size, struct bundle *ret)
{
	if (bundle->flags & BUNDLE_WHOLE)
		return -EPERM;
	if (size == 0 || from >= bundle->payload.size || size > bundle->payload.size - from)
		return -EINVAL;
	*ret = *bundle;
	if (!(bundle->flags & BUNDLE_FRAGMENT)) {
		ret->flags |= BUNDLE_FRAGMENT;
		ret->offset = 0;
		ret->total = bundle->payload.size;
	}
	ret->offset += from;
	ret->payload.data = bundle->payload.data + from;
	ret->payload.size = size;
	/* The fragment with the first byte has all blocks, the others what every node needs (section 5.8). */
	for (unsigned i = ret->block_count; from > 0 && i-- > 0;) {
		uint64_t type = ret->blocks[i].type;

		if (!(ret->blocks[i].flags & BLOCK_IN_EVERY_FRAGMENT) && type != BLOCK_PREVIOUS &&
		    type != BLOCK_AGE && type != BLOCK_HOPS)
			bundle_remove(ret, &ret->blocks[i]);
	}
	return 0;
}
