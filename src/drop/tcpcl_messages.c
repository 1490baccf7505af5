/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of messages: RFC 9174, sections 4.2 to 5.2. */
#include "drop/tcpcl_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CAN_TLS 1

void tcpcl_header(uint8_t header[static TCPCL_HEADER_SIZE])
{
	memcpy(header, "dtn!\x04\x01", TCPCL_HEADER_SIZE);
}

int tcpcl_header_check(const uint8_t header[static TCPCL_HEADER_SIZE])
{
	if (memcmp(header, "dtn!", 4) != 0)
		return -EPROTO;
	return header[4] == 4 && header[5] & CAN_TLS ? 0 : -EPROTONOSUPPORT;
}

/* Reads numbers; what goes beyond the end is remembered. */
struct reader {
	const uint8_t *at, *end;
	bool cut;
};

static const uint8_t *take(struct reader *reader, uint64_t size)
{
	const uint8_t *at = reader->at;

	if (reader->cut || size > (size_t)(reader->end - at)) {
		reader->cut = true;
		return NULL;
	}
	reader->at += size;
	return at;
}

static uint64_t number(struct reader *reader, unsigned size)
{
	const uint8_t *at = take(reader, size);
	uint64_t value = 0;

	for (unsigned i = 0; at && i < size; i++)
		value = value << 8 | at[i];
	return value;
}

static void read_held(struct reader item, struct tcpcl_hello *hello)
{
	while (item.at != item.end && hello->held_count < TCPCL_HELD_MAX) {
		struct tcpcl_held *held = &hello->held[hello->held_count];
		const uint8_t *key = take(&item, TCPCL_KEY_SIZE);

		held->size = number(&item, 8);
		if (item.cut)
			return;
		memcpy(held->key, key, TCPCL_KEY_SIZE);
		hello->held_count++;
	}
}

static void read_item(uint8_t flags, uint64_t type, struct reader item,
		      struct tcpcl_message *message)
{
	size_t size = (size_t)(item.end - item.at);

	if (message->type == SESS_INIT && type == ITEM_HELD) {
		read_held(item, &message->hello);
	} else if (message->type == XFER_SEGMENT && type == ITEM_TRANSFER_LENGTH && size == 8) {
		message->has_length = true;
		message->length = number(&item, 8);
	} else if (message->type == XFER_SEGMENT && type == ITEM_LEFT_OUT && size == 8) {
		message->left_out = number(&item, 8);
	} else if (flags & ITEM_CRITICAL) {
		message->unknown_critical = true;
	}
}

/* The list of extension items, in 4 bytes its size. */
static int read_items(struct reader *reader, struct tcpcl_message *message)
{
	uint64_t size = number(reader, 4);
	struct reader list = {0};

	if (!reader->cut && size > ITEMS_SIZE_MAX)
		return -E2BIG;
	list.at = take(reader, size);
	if (!list.at)
		return 0;
	list.end = list.at + size;
	while (list.at != list.end) {
		uint8_t flags = (uint8_t)number(&list, 1);
		uint64_t type = number(&list, 2), item_size = number(&list, 2);
		struct reader item = {.at = take(&list, item_size)};

		if (list.cut)
			return -EPROTO;
		item.end = item.at + item_size;
		read_item(flags, type, item, message);
	}
	return 0;
}

static int read_hello(struct reader *reader, struct tcpcl_message *message)
{
	struct tcpcl_hello *hello = &message->hello;
	uint64_t size;
	const uint8_t *node;

	hello->keepalive = (uint16_t)number(reader, 2);
	hello->segment = number(reader, 8);
	hello->transfer = number(reader, 8);
	size = number(reader, 2);
	if (!reader->cut && size >= sizeof(hello->node))
		return -EPROTO; /* at once: nobody waits for what is refused anyway */
	node = take(reader, size);
	if (node && memchr(node, 0, size))
		return -EPROTO;
	if (node)
		memcpy(hello->node, node, size);
	return read_items(reader, message);
}

static int read_segment(struct reader *reader, struct tcpcl_message *message)
{
	uint64_t size;
	int err = 0;

	message->flags = (uint8_t)number(reader, 1);
	message->id = number(reader, 8);
	if (message->flags & SEGMENT_START)
		err = read_items(reader, message);
	if (err)
		return err;
	size = number(reader, 8);
	if (!reader->cut && size > TCPCL_SEGMENT)
		return -E2BIG;
	message->data = take(reader, size);
	message->data_size = size;
	return 0;
}

static int read_body(struct reader *reader, struct tcpcl_message *message)
{
	switch (message->type) {
	case SESS_INIT:
		return read_hello(reader, message);
	case XFER_SEGMENT:
		return read_segment(reader, message);
	case XFER_ACK:
		message->flags = (uint8_t)number(reader, 1);
		message->id = number(reader, 8);
		message->size = number(reader, 8);
		return 0;
	case XFER_REFUSE:
		message->reason = (uint8_t)number(reader, 1);
		message->id = number(reader, 8);
		return 0;
	case KEEPALIVE:
		return 0;
	case SESS_TERM:
		message->flags = (uint8_t)number(reader, 1);
		message->reason = (uint8_t)number(reader, 1);
		return 0;
	case MSG_REJECT:
		message->reason = (uint8_t)number(reader, 1);
		message->flags = (uint8_t)number(reader, 1);
		return 0;
	}
	return -EPROTO;
}

ssize_t tcpcl_message_read(const uint8_t *data, size_t size, struct tcpcl_message *ret)
{
	struct reader reader = {data, data + size, false};
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->type = (enum message)number(&reader, 1);
	if (reader.cut)
		return 0;
	err = read_body(&reader, ret);
	if (err < 0)
		return err;
	return reader.cut ? 0 : reader.at - data;
}

void tcpcl_put_hello(struct bytes *to, const struct tcpcl_hello *hello)
{
	size_t node = strlen(hello->node), held = hello->held_count * (TCPCL_KEY_SIZE + 8u);

	bytes_put_number(to, SESS_INIT, 1);
	bytes_put_number(to, hello->keepalive, 2);
	bytes_put_number(to, hello->segment, 8);
	bytes_put_number(to, hello->transfer, 8);
	bytes_put_number(to, node, 2);
	bytes_put(to, hello->node, node);
	bytes_put_number(to, held ? 5 + held : 0, 4);
	if (!held)
		return;
	bytes_put_number(to, 0, 1);
	bytes_put_number(to, ITEM_HELD, 2);
	bytes_put_number(to, held, 2);
	for (unsigned i = 0; i < hello->held_count; i++) {
		bytes_put(to, hello->held[i].key, TCPCL_KEY_SIZE);
		bytes_put_number(to, hello->held[i].size, 8);
	}
}

static void put_item(struct bytes *to, uint8_t flags, uint16_t type, uint64_t value)
{
	bytes_put_number(to, flags, 1);
	bytes_put_number(to, type, 2);
	bytes_put_number(to, 8, 2);
	bytes_put_number(to, value, 8);
}

void tcpcl_put_segment(struct bytes *to, uint8_t flags, uint64_t id, uint64_t length,
		       uint64_t left_out, const void *data, size_t size)
{
	bool has_length = !(flags & SEGMENT_END); /* a lone segment tells by itself */

	bytes_put_number(to, XFER_SEGMENT, 1);
	bytes_put_number(to, flags, 1);
	bytes_put_number(to, id, 8);
	if (flags & SEGMENT_START) {
		bytes_put_number(to, 13u * (has_length + (left_out > 0)), 4);
		if (has_length)
			put_item(to, 0, ITEM_TRANSFER_LENGTH, length);
		if (left_out)
			put_item(to, ITEM_CRITICAL, ITEM_LEFT_OUT, left_out);
	}
	bytes_put_number(to, size, 8);
	bytes_put(to, data, size);
}

void tcpcl_put_ack(struct bytes *to, uint8_t flags, uint64_t id, uint64_t size)
{
	bytes_put_number(to, XFER_ACK, 1);
	bytes_put_number(to, flags, 1);
	bytes_put_number(to, id, 8);
	bytes_put_number(to, size, 8);
}

void tcpcl_put_refusal(struct bytes *to, uint8_t reason, uint64_t id)
{
	bytes_put_number(to, XFER_REFUSE, 1);
	bytes_put_number(to, reason, 1);
	bytes_put_number(to, id, 8);
}

void tcpcl_put_term(struct bytes *to, bool reply, uint8_t reason)
{
	bytes_put_number(to, SESS_TERM, 1);
	bytes_put_number(to, reply, 1);
	bytes_put_number(to, reason, 1);
}

void tcpcl_put_reject(struct bytes *to, uint8_t reason, uint8_t type)
{
	bytes_put_number(to, MSG_REJECT, 1);
	bytes_put_number(to, reason, 1);
	bytes_put_number(to, type, 1);
}
