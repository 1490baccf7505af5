/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/messages.h"

#include <errno.h>
#include <string.h>

void object_message_put(struct bytes *to, const struct object_message *message)
{
	static const unsigned fields[] = {
		[MESSAGE_ASK] = 2,  [MESSAGE_HAVE] = 5, [MESSAGE_FETCH] = 3, [MESSAGE_PIECE] = 4,
		[MESSAGE_GONE] = 3, [MESSAGE_GIVE] = 5, [MESSAGE_WHERE] = 2, [MESSAGE_NAMED] = 4};

	items_put_array(to, fields[message->type]);
	items_put_number(to, message->type);
	if (message->type != MESSAGE_WHERE)
		items_put_bytes(to, message->id, OBJECT_ID_SIZE);
	switch (message->type) {
	case MESSAGE_ASK:
		break;
	case MESSAGE_WHERE:
		items_put_text(to, message->url);
		break;
	case MESSAGE_NAMED:
		items_put_text(to, message->url);
		items_put_number(to, message->fetched);
		break;
	case MESSAGE_HAVE:
	case MESSAGE_GIVE:
		items_put_number(to, message->size);
		items_put_bytes(to, message->there, message->there ? message->count / 8 + 1 : 0);
		items_put_bytes(to, message->hashes, (size_t)message->count * HASH_SIZE);
		break;
	case MESSAGE_FETCH:
		items_put_array(to, message->piece_count);
		for (unsigned i = 0; i < message->piece_count; i++)
			items_put_number(to, message->pieces[i]);
		break;
	case MESSAGE_PIECE:
		items_put_number(to, message->pieces[0]);
		items_put_bytes(to, message->data, message->data_size);
		break;
	case MESSAGE_GONE:
		items_put_number(to, message->pieces[0]);
		break;
	}
}

static uint32_t read_piece(struct items *items)
{
	return (uint32_t)items_number_to(items, OBJECT_PIECES - 1);
}

static void read_list(struct items *items, struct object_message *ret)
{
	size_t there, hashes;

	ret->size = items_number_to(items, (uint64_t)OBJECT_PIECES * OBJECT_PIECE);
	ret->count = object_pieces(ret->size);
	ret->there = items_bytes(items, &there);
	ret->hashes = items_bytes(items, &hashes);
	if (items->err)
		return;
	if ((there && there != ret->count / 8 + 1) || hashes != (size_t)ret->count * HASH_SIZE)
		items_fail(items, -EBADMSG);
	if (there == 0)
		ret->there = NULL;
}

static void read_fetch(struct items *items, struct object_message *ret)
{
	uint64_t count = items_array(items);

	if (count == 0 || count > FETCH_MAX)
		items_fail(items, -EBADMSG);
	for (uint64_t i = 0; i < count && !items->err; i++)
		ret->pieces[ret->piece_count++] = read_piece(items);
}

/* As curl takes it: visible ASCII. */
bool url_is_one(const char *url, size_t size)
{
	if (size == 0 || size >= URL_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return false;
	return (size > 7 && memcmp(url, "http://", 7) == 0) ||
	       (size > 8 && memcmp(url, "https://", 8) == 0);
}

static void read_url(struct items *items, struct object_message *ret)
{
	size_t size;
	const char *text = items_text(items, &size);

	if (!items->err && !url_is_one(text, size))
		items_fail(items, -EBADMSG);
	if (!items->err)
		memcpy(ret->url, text, size);
}

int object_message_read(const void *data, size_t size, struct object_message *ret)
{
	struct items items = items_of(data, size);
	uint64_t fields = items_array(&items), wanted = 0;

	memset(ret, 0, sizeof(*ret));
	ret->type = (enum object_message_type)items_number_to(&items, MESSAGE_NAMED);
	if (ret->type != MESSAGE_WHERE)
		items_bytes_fixed(&items, ret->id, OBJECT_ID_SIZE);
	if (items.err || ret->type < MESSAGE_ASK)
		return -EBADMSG;
	switch (ret->type) {
	case MESSAGE_ASK:
		wanted = 2;
		break;
	case MESSAGE_HAVE:
	case MESSAGE_GIVE:
		wanted = 5;
		read_list(&items, ret);
		break;
	case MESSAGE_FETCH:
		wanted = 3;
		read_fetch(&items, ret);
		break;
	case MESSAGE_PIECE:
		wanted = 4;
		ret->pieces[ret->piece_count++] = read_piece(&items);
		ret->data = items_bytes(&items, &ret->data_size);
		if (ret->data_size > OBJECT_PIECE)
			items_fail(&items, -EBADMSG);
		break;
	case MESSAGE_GONE:
		wanted = 3;
		ret->pieces[ret->piece_count++] = read_piece(&items);
		break;
	case MESSAGE_WHERE:
		wanted = 2;
		read_url(&items, ret);
		break;
	case MESSAGE_NAMED:
		wanted = 4;
		read_url(&items, ret);
		ret->fetched = items_number(&items);
		break;
	}
	return items.err || fields != wanted || items.at != items.end ? -EBADMSG : 0;
}
