/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/bundle.h"
#include "drop/crc.h"

#include <errno.h>
#include <string.h>

#define VERSION 7

/* A block's checksum is computed over the block with zeros in the checksum's place, which is its end. */
static void check_crc(struct items *items, const uint8_t *block, enum bundle_crc type)
{
	static const uint8_t zeros[4];
	size_t size = type == CRC_16 ? 2 : 4;
	uint8_t told[4];
	uint32_t crc;

	if (type == CRC_NONE)
		return;
	items_bytes_fixed(items, told, size);
	if (items->err)
		return;
	if (type == CRC_16)
		crc = crc16(crc16(0, block, (size_t)(items->at - block) - size), zeros, size);
	else
		crc = crc32c(crc32c(0, block, (size_t)(items->at - block) - size), zeros, size);
	for (size_t i = 0; i < size; i++)
		if (told[i] != (uint8_t)(crc >> 8 * (size - 1 - i)))
			items_fail(items, -EBADMSG);
}

static void read_primary(struct items *items, struct bundle *bundle)
{
	const uint8_t *begin = items->at;
	uint64_t size = items_array(items);

	if (items_number(items) != VERSION)
		items_fail(items, -EBADMSG);
	bundle->flags = items_number(items);
	bundle->crc = (enum bundle_crc)items_number_to(items, CRC_32C);
	eid_read(items, &bundle->destination);
	eid_read(items, &bundle->source);
	eid_read(items, &bundle->report_to);
	if (items_array(items) != 2)
		items_fail(items, -EBADMSG);
	bundle->created = items_number(items);
	bundle->sequence = items_number(items);
	bundle->lifetime = items_number(items);
	if (bundle->flags & BUNDLE_FRAGMENT) {
		bundle->offset = items_number(items);
		bundle->total = items_number(items);
	}
	if (size != 8u + (bundle->flags & BUNDLE_FRAGMENT ? 2 : 0) + (bundle->crc != CRC_NONE))
		items_fail(items, -EBADMSG);
	if (bundle->flags & BUNDLE_FRAGMENT &&
	    (bundle->flags & BUNDLE_WHOLE || bundle->offset >= bundle->total))
		items_fail(items, -EBADMSG);
	/* Nobody could put together or answer what has no name (section 4.2.3). */
	if (eid_is_none(&bundle->source) && !(bundle->flags & BUNDLE_WHOLE))
		items_fail(items, -EBADMSG);
	check_crc(items, begin, bundle->crc);
}

static uint64_t read_block_begin(struct items *items, struct bundle_block *block)
{
	uint64_t size = items_array(items);

	*block = (struct bundle_block){.type = items_number(items)};
	block->number = items_number(items);
	block->flags = items_number(items);
	block->crc = (enum bundle_crc)items_number_to(items, CRC_32C);
	if (size != 5u + (block->crc != CRC_NONE) ||
	    (block->type == BLOCK_PAYLOAD) != (block->number == 1))
		items_fail(items, -EBADMSG);
	return size;
}

/* The blocks that are members. */
static void read_known(struct items *outer, const struct bundle_block *block, struct bundle *bundle)
{
	struct items items = items_of(block->data, block->size);

	switch (block->type) {
	case BLOCK_PREVIOUS:
		eid_read(&items, &bundle->previous);
		break;
	case BLOCK_AGE:
		bundle->age = items_number(&items);
		break;
	case BLOCK_HOPS:
		if (items_array(&items) != 2)
			items_fail(&items, -EBADMSG);
		bundle->hop_limit = items_number_to(&items, 255);
		bundle->hop_count = items_number(&items);
		if (bundle->hop_limit == 0)
			items_fail(&items, -EBADMSG);
		break;
	default:
		return;
	}
	if (items.err || items.at != items.end)
		items_fail(outer, -EBADMSG);
}

static void add_block(struct items *items, const struct bundle_block *block, struct bundle *bundle)
{
	bool alone = block->type == BLOCK_PREVIOUS || block->type == BLOCK_AGE ||
		     block->type == BLOCK_HOPS;

	for (unsigned i = 0; i < bundle->block_count; i++)
		if (bundle->blocks[i].number == block->number ||
		    (alone && bundle->blocks[i].type == block->type))
			items_fail(items, -EBADMSG);
	if (bundle->block_count == BUNDLE_BLOCKS_MAX)
		items_fail(items, -E2BIG);
	else
		bundle->blocks[bundle->block_count++] = *block;
}

/* Up to the payload's bytes. Their block begins at @ret_block. */
static void read_head(struct items *items, struct bundle *bundle, const uint8_t **ret_block)
{
	memset(bundle, 0, sizeof(*bundle));
	items_open(items);
	read_primary(items, bundle);
	while (!items->err) {
		struct bundle_block block;
		const uint8_t *begin = items->at;

		read_block_begin(items, &block);
		if (block.type == BLOCK_PAYLOAD && !items->err) {
			block.size = items_bytes_head(items);
			bundle->payload = block;
			*ret_block = begin;
			break;
		}
		if (block.number == 0)
			items_fail(items, -EBADMSG);
		block.data = items_bytes(items, &block.size);
		check_crc(items, begin, block.crc);
		if (items->err)
			break;
		read_known(items, &block, bundle);
		add_block(items, &block, bundle);
	}
	if (!items->err && bundle->flags & BUNDLE_FRAGMENT &&
	    bundle->payload.size > bundle->total - bundle->offset)
		items_fail(items, -EBADMSG);
}

int bundle_read_head(const void *data, size_t size, struct bundle *ret, size_t *ret_payload)
{
	struct items items = items_of(data, size < BUNDLE_HEAD_MAX ? size : BUNDLE_HEAD_MAX);
	const uint8_t *block;

	read_head(&items, ret, &block);
	if (items.err == -EAGAIN && size >= BUNDLE_HEAD_MAX)
		return -E2BIG;
	if (!items.err)
		*ret_payload = (size_t)(items.at - (const uint8_t *)data);
	return items.err;
}

int bundle_read(const void *data, size_t size, struct bundle *ret)
{
	struct items items = items_of(data, size);
	const uint8_t *block = NULL;

	read_head(&items, ret, &block);
	if (!items.err && ret->payload.size > (size_t)(items.end - items.at))
		items_fail(&items, -EBADMSG);
	if (!items.err) {
		ret->payload.data = items.at;
		items.at += ret->payload.size;
		check_crc(&items, block, ret->payload.crc);
		if (!items_at_break(&items) || items.at != items.end)
			items_fail(&items, -EBADMSG);
	}
	return items.err == -EAGAIN ? -EBADMSG : items.err;
}
