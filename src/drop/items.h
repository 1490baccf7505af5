/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CBOR (RFC 8949) read and written one item at a time, over libcbor's codec. Nothing is built in memory, so
 * a length costs nothing before its bytes are there.
 *
 * Strict: numbers and lengths are in their shortest form and strings are of definite length, as RFC
 * 9171, section 4.1, wants it. What was read is therefore written again as the same bytes.
 */
#pragma once

#include "drop/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* A reader. After the first failure every other read fails in the same way and gives 0. */
struct items {
	const uint8_t *at, *end; /* borrowed */
	int err;                 /* 0; -EBADMSG: not what was asked for; -EAGAIN: it is cut off */
};

enum items_kind {
	ITEMS_NUMBER,
	ITEMS_BYTES,
	ITEMS_TEXT,
	ITEMS_ARRAY,
	ITEMS_MAP,
	ITEMS_BREAK,
	ITEMS_OTHER
};

struct items items_of(const void *data, size_t size);
/* What comes next, without taking it. */
enum items_kind items_peek(struct items *items);
uint64_t items_number(struct items *items);
/* A number up to @max. */
uint64_t items_number_to(struct items *items, uint64_t max);
/* The size of an array of definite length. */
uint64_t items_array(struct items *items);
/* Takes the head of an array of indefinite length. */
void items_open(struct items *items);
/* True, and takes it, if the break that ends such an array comes next. */
bool items_at_break(struct items *items);
/* Points into what is read. */
const uint8_t *items_bytes(struct items *items, size_t *ret_size);
const char *items_text(struct items *items, size_t *ret_size);
/* The head of a byte string alone: its size. The bytes come next, and may not be there yet. */
uint64_t items_bytes_head(struct items *items);
/* Byte string of exactly @size, copied; zeros if it is not there. */
void items_bytes_fixed(struct items *items, void *to, size_t size);
/* Notes a failure unless there was one. */
void items_fail(struct items *items, int err);

void items_put_number(struct bytes *to, uint64_t value);
void items_put_array(struct bytes *to, size_t size);
void items_put_open(struct bytes *to);
void items_put_break(struct bytes *to);
void items_put_bytes(struct bytes *to, const void *data, size_t size);
void items_put_bytes_head(struct bytes *to, uint64_t size);
void items_put_text(struct bytes *to, const char *text);
