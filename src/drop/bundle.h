/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bundles of Bundle Protocol version 7 (RFC 9171) and their bytes. No I/O, no clock.
 *
 * A bundle is an array of blocks: the primary one, which nobody changes on the way, any number of
 * extension blocks, which say how it travels, and last the payload. The blocks that every node has a
 * part in (previous node, age, hop count) are members here and are written anew when the bundle is;
 * all others are kept as they came, for their flags say what becomes of those that we do not know.
 *
 * What is refused here nobody could use: what RFC 9171 forbids, and what goes beyond the limits below.
 * Pointers of a read bundle go into the bytes that it was read from.
 */
#pragma once

#include "drop/eid.h"

#include <stdbool.h>
#include <stdint.h>

enum bundle_flag {
	BUNDLE_FRAGMENT = 1 << 0,
	BUNDLE_ADMIN = 1 << 1, /* the payload is an administrative record */
	BUNDLE_WHOLE = 1 << 2  /* must not be fragmented */
};

enum block_flag {
	BLOCK_IN_EVERY_FRAGMENT = 1 << 0,
	BLOCK_ELSE_REPORT = 1 << 1, /* "else": where a node cannot process it */
	BLOCK_ELSE_DELETE_BUNDLE = 1 << 2,
	BLOCK_ELSE_DISCARD = 1 << 4
};

enum block_type { BLOCK_PAYLOAD = 1, BLOCK_PREVIOUS = 6, BLOCK_AGE = 7, BLOCK_HOPS = 10 };

enum bundle_crc { CRC_NONE, CRC_16, CRC_32C };

struct bundle_block {
	uint64_t type, number, flags;
	enum bundle_crc crc;
	const uint8_t *data; /* of types that are members below: not looked at */
	size_t size;
};

#define BUNDLE_BLOCKS_MAX 16
#define BUNDLE_HEAD_MAX   8192 /* bytes before the payload */
#define BUNDLE_ID_MAX     (EID_MAX + 96)

struct bundle {
	uint64_t flags;
	enum bundle_crc crc; /* of the primary block */
	struct eid destination, source, report_to;
	uint64_t created;  /* ms since 2000 (DTN time); 0: its source has no clock */
	uint64_t sequence; /* tells bundles of one source and time apart */
	uint64_t lifetime; /* ms */
	uint64_t offset,
		total; /* of a fragment: where its payload belongs, and the size of the whole */

	struct eid
		previous; /* who sent it to us; used if there is a block BLOCK_PREVIOUS, as the next ones */
	uint64_t age; /* ms */
	uint64_t hop_limit, hop_count;

	struct bundle_block blocks[BUNDLE_BLOCKS_MAX]; /* but the payload's */
	unsigned block_count;

	struct bundle_block payload; /* a head that was read alone: data is NULL */
};

#define DTN_EPOCH_MS 946684800000ULL /* 2000-01-01 in ms since 1970 */

/* Reads all of a bundle. -EBADMSG: it is none, or broken; -E2BIG: beyond our limits. */
int bundle_read(const void *data, size_t size, struct bundle *ret);
/* Reads what stands before the payload's bytes, which begin at @ret_payload. -EAGAIN: not all of it is there. */
int bundle_read_head(const void *data, size_t size, struct bundle *ret, size_t *ret_payload);

/* Writes it, without the first @skip bytes of the payload (checksums are of the whole). */
void bundle_put(struct bytes *to, const struct bundle *bundle, size_t skip);

/* The block of @type; NULL if there is none. */
struct bundle_block *bundle_find(struct bundle *bundle, uint64_t type);
/* The same, made if it is not there; NULL: there are too many. */
struct bundle_block *bundle_want(struct bundle *bundle, uint64_t type);
void bundle_remove(struct bundle *bundle, struct bundle_block *block);

/* What tells a bundle, or a fragment, from all others, as text. Returns @text. */
const char *bundle_id(const struct bundle *bundle, char text[static BUNDLE_ID_MAX]);

/* The fragment of @size bytes of payload from @from on. -EPERM: it must not be fragmented. */
int bundle_fragment(const struct bundle *bundle, size_t from, size_t size, struct bundle *ret);
