/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of bundles that are for us (RFC 9171, section 5.9): they wait in the store until there is no gap between them, in whatever
 * order they come and however they overlap. The whole is remembered as any bundle, so that it is delivered once.
 */
#include "drop/node_parts.h"

#include <errno.h>
#include <string.h>

#define PARTS_MAX 1024 /* fragments of one bundle, for each that comes they are looked through */

static void key_of_whole(const struct bundle *fragment, uint8_t ret[static TCPCL_KEY_SIZE])
{
	struct bundle whole = *fragment;

	whole.flags &= ~(uint64_t)BUNDLE_FRAGMENT;
	store_key(&whole, ret);
}

/* Looked through only where there are enough bytes. */
static bool is_whole(struct store *store, const uint8_t *key, uint64_t total, uint64_t there)
{
	struct store_part part;

	if (there < total)
		return false;
	for (uint64_t at = 0; at < total; at = part.behind)
		if (!store_part_at(store, key, at, &part))
			return false;
	return true;
}

/* The payload's bytes from @at on into @to, which has room for all. */
static int copy(struct store *store, const struct store_part *part, uint64_t at, uint64_t total,
		uint8_t *to)
{
	_cleanup_bytes_ struct bytes bytes = {0};
	struct store_bundle row;
	struct bundle bundle;
	int code = store_find(store, part->id, &row) ? store_load(store, &row, &bytes) : -ENOENT;

	if (code < 0)
		return code;
	code = bundle_read(bytes.data, bytes.size, &bundle);
	if (code < 0)
		return code;
	if (bundle.total != total || bundle.offset > at ||
	    bundle.offset + bundle.payload.size < part->behind)
		return -EBADMSG; /* two that are not of the same whole, or a row that is not true */
	memcpy(to + at, bundle.payload.data + (at - bundle.offset), part->behind - at);
	return 0;
}

/* Delivered, it is remembered; of no use yet, it waits as others do. */
static int deliver(struct node *node, struct bundle *whole)
{
	_cleanup_bytes_ struct bytes bytes = {0};
	struct store_bundle row;
	int code = arrive_deliver(node, whole);

	carry_facts(whole, &row);
	row.state = code == -EAGAIN ? STORE_WAITING : STORE_DONE;
	if (code == -EAGAIN)
		bundle_put(&bytes, whole, 0);
	return bytes.failed ? -ENOMEM : store_add(node->store, &row, &bytes, NULL);
}

static void drop(struct store *store, const uint8_t *key)
{
	struct store_bundle row;
	struct store_part part;

	while (store_part_any(store, key, &part)) {
		/* What is for a group is carried on as it came. */
		if (store_find(store, part.id, &row) && row.state == STORE_WAITING)
			store_done(store, &row);
		store_part_drop(store, part.id);
	}
}

static int put_together(struct node *node, const struct bundle *fragment, const uint8_t *key)
{
	_cleanup_bytes_ struct bytes payload = {0};
	struct bundle whole = *fragment;
	uint8_t *to = bytes_extend(&payload, fragment->total);
	struct store_part part;
	int code = to ? 0 : -ENOMEM;

	for (uint64_t at = 0; code == 0 && at < fragment->total; at = part.behind)
		code = store_part_at(node->store, key, at, &part)
			       ? copy(node->store, &part, at, fragment->total, to)
			       : -ENOENT;
	whole.flags &= ~(uint64_t)BUNDLE_FRAGMENT;
	whole.offset = whole.total = 0;
	whole.payload.data = to;
	whole.payload.size = fragment->total;
	if (code == 0)
		code = deliver(node, &whole);
	drop(node->store, key);
	return code;
}

int parts_arrived(struct node *node, const struct bundle *fragment, const struct store_bundle *row)
{
	const struct store_part part = {row->id, fragment->offset,
					fragment->offset + fragment->payload.size};
	uint8_t key[TCPCL_KEY_SIZE];
	uint64_t there;
	int code;

	key_of_whole(fragment, key);
	if (store_part_count(node->store, key, &there) >= PARTS_MAX)
		return -E2BIG;
	if (store_has(node->store, key)) {
		if (row->state == STORE_WAITING)
			store_done(node->store, row);
		return 0;
	}
	code = store_part_add(node->store, key, &part);
	if (code == 0 &&
	    is_whole(node->store, key, fragment->total, there + fragment->payload.size))
		code = put_together(node, fragment, key);
	return code;
}
