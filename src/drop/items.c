/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/items.h"

#include <cbor.h>
#include <errno.h>
#include <string.h>

#define HEAD_MAX 9 /* of an item: its first byte, and up to eight of a number */

/* What libcbor says of one item. */
struct seen {
	enum items_kind kind;
	uint64_t value; /* number, or size */
	const uint8_t *data;
	bool indefinite;
};

static void see_number(struct seen *seen, uint64_t value)
{
	*seen = (struct seen){.kind = ITEMS_NUMBER, .value = value};
}

static void see_number_8(void *seen, uint8_t value)
{
	see_number(seen, value);
}

static void see_number_16(void *seen, uint16_t value)
{
	see_number(seen, value);
}

static void see_number_32(void *seen, uint32_t value)
{
	see_number(seen, value);
}

static void see_number_64(void *seen, uint64_t value)
{
	see_number(seen, value);
}

static void see_bytes(void *seen, cbor_data data, size_t size)
{
	*(struct seen *)seen = (struct seen){.kind = ITEMS_BYTES, .value = size, .data = data};
}

static void see_text(void *seen, cbor_data data, size_t size)
{
	*(struct seen *)seen = (struct seen){.kind = ITEMS_TEXT, .value = size, .data = data};
}

static void see_array(void *seen, size_t size)
{
	*(struct seen *)seen = (struct seen){.kind = ITEMS_ARRAY, .value = size};
}

static void see_open_array(void *seen)
{
	*(struct seen *)seen = (struct seen){.kind = ITEMS_ARRAY, .indefinite = true};
}

static void see_break(void *seen)
{
	*(struct seen *)seen = (struct seen){.kind = ITEMS_BREAK};
}

/* Bytes that the head of an item with this number takes at least. */
static size_t head_size(uint64_t value)
{
	return value < 24            ? 1
	       : value <= UINT8_MAX  ? 2
	       : value <= UINT16_MAX ? 3
	       : value <= UINT32_MAX ? 5
				     : 9;
}

/* Looks at the next item. Number of bytes that it takes (of arrays, the head's), or a negative errno. */
static ssize_t look(struct items *items, struct seen *seen)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;
	struct cbor_decoder_result result;
	size_t size;

	callbacks.uint8 = see_number_8;
	callbacks.uint16 = see_number_16;
	callbacks.uint32 = see_number_32;
	callbacks.uint64 = see_number_64;
	callbacks.byte_string = see_bytes;
	callbacks.string = see_text;
	callbacks.array_start = see_array;
	callbacks.indef_array_start = see_open_array;
	callbacks.indef_break = see_break;
	*seen = (struct seen){.kind = ITEMS_OTHER};
	if (items->err)
		return items->err;
	if (items->at == items->end)
		return -EAGAIN;
	result = cbor_stream_decode(items->at, (size_t)(items->end - items->at), &callbacks, seen);
	if (result.status == CBOR_DECODER_NEDATA)
		return -EAGAIN;
	if (result.status != CBOR_DECODER_FINISHED)
		return -EBADMSG;
	size = result.read - (seen->data ? seen->value : 0);
	if (seen->kind < ITEMS_MAP && !seen->indefinite && size != head_size(seen->value))
		return -EBADMSG;
	return (ssize_t)result.read;
}

/* Takes an item of @kind; false: it was none. */
static bool take(struct items *items, enum items_kind kind, bool indefinite, struct seen *seen)
{
	ssize_t size = look(items, seen);

	if (size >= 0 && (seen->kind != kind || seen->indefinite != indefinite))
		size = -EBADMSG;
	if (size < 0) {
		items_fail(items, (int)size);
		*seen = (struct seen){0};
		return false;
	}
	items->at += size;
	return true;
}

struct items items_of(const void *data, size_t size)
{
	const uint8_t *at = data;

	return (struct items){.at = at, .end = at + size};
}

void items_fail(struct items *items, int err)
{
	if (!items->err)
		items->err = err;
}

enum items_kind items_peek(struct items *items)
{
	struct seen seen;
	ssize_t size = look(items, &seen);

	if (size < 0)
		items_fail(items, (int)size);
	return size < 0 ? ITEMS_OTHER : seen.kind;
}

uint64_t items_number(struct items *items)
{
	struct seen seen;

	take(items, ITEMS_NUMBER, false, &seen);
	return seen.value;
}

uint64_t items_number_to(struct items *items, uint64_t max)
{
	uint64_t value = items_number(items);

	if (value <= max)
		return value;
	items_fail(items, -EBADMSG);
	return 0;
}

uint64_t items_array(struct items *items)
{
	struct seen seen;

	take(items, ITEMS_ARRAY, false, &seen);
	return seen.value;
}

void items_open(struct items *items)
{
	struct seen seen;

	take(items, ITEMS_ARRAY, true, &seen);
}

bool items_at_break(struct items *items)
{
	struct seen seen;
	ssize_t size = look(items, &seen);

	if (size < 0)
		items_fail(items, (int)size);
	if (size < 0 || seen.kind != ITEMS_BREAK)
		return false;
	items->at += size;
	return true;
}

const uint8_t *items_bytes(struct items *items, size_t *ret_size)
{
	struct seen seen;

	take(items, ITEMS_BYTES, false, &seen);
	*ret_size = seen.value;
	return seen.data;
}

const char *items_text(struct items *items, size_t *ret_size)
{
	struct seen seen;

	take(items, ITEMS_TEXT, false, &seen);
	*ret_size = seen.value;
	return (const char *)seen.data;
}

/* The codec wants all of a string: it is shown the head as that of a number. */
uint64_t items_bytes_head(struct items *items)
{
	size_t there = (size_t)(items->end - items->at);
	uint8_t head[HEAD_MAX] = {0};
	struct items number;
	uint64_t size;

	if (items->err)
		return 0;
	if (there > sizeof(head))
		there = sizeof(head);
	memcpy(head, items->at, there);
	number = items_of(head, there);
	if (there && head[0] >> 5 != 2)
		items_fail(&number, -EBADMSG);
	head[0] &= 0x1f;
	size = items_number(&number);
	if (number.err)
		items_fail(items, number.err);
	else
		items->at += number.at - head;
	return items->err ? 0 : size;
}

void items_bytes_fixed(struct items *items, void *to, size_t size)
{
	size_t there;
	const uint8_t *data = items_bytes(items, &there);

	memset(to, 0, size);
	if (!items->err && there != size)
		items_fail(items, -EBADMSG);
	if (!items->err)
		memcpy(to, data, size);
}

/* The encoders of libcbor are told how much room there is, and say how much they took. */
static void put(struct bytes *to, size_t (*encode)(size_t, unsigned char *, size_t), size_t value)
{
	unsigned char head[HEAD_MAX];

	bytes_put(to, head, encode(value, head, sizeof(head)));
}

void items_put_number(struct bytes *to, uint64_t value)
{
	unsigned char head[HEAD_MAX];

	bytes_put(to, head, cbor_encode_uint(value, head, sizeof(head)));
}

void items_put_array(struct bytes *to, size_t size)
{
	put(to, cbor_encode_array_start, size);
}

void items_put_open(struct bytes *to)
{
	unsigned char head;

	bytes_put(to, &head, cbor_encode_indef_array_start(&head, 1));
}

void items_put_break(struct bytes *to)
{
	unsigned char head;

	bytes_put(to, &head, cbor_encode_break(&head, 1));
}

void items_put_bytes_head(struct bytes *to, uint64_t size)
{
	put(to, cbor_encode_bytestring_start, size);
}

void items_put_bytes(struct bytes *to, const void *data, size_t size)
{
	items_put_bytes_head(to, size);
	bytes_put(to, data, size);
}

void items_put_text(struct bytes *to, const char *text)
{
	size_t size = strlen(text);

	put(to, cbor_encode_string_start, size);
	bytes_put(to, text, size);
}
