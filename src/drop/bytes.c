/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/bytes.h"

#include <stdlib.h>
#include <string.h>

uint8_t *bytes_extend(struct bytes *bytes, size_t size)
{
	size_t need = bytes->size + size;

	if (bytes->failed || need < size) {
		bytes->failed = true;
		return NULL;
	}
	if (need > bytes->room || !bytes->data) {
		size_t room = need < 64 ? 64 : need + need / 2;
		uint8_t *data = realloc(bytes->data, room);

		if (!data) {
			bytes->failed = true;
			return NULL;
		}
		bytes->data = data;
		bytes->room = room;
	}
	bytes->size = need;
	return bytes->data + need - size;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
	uint8_t *to = bytes_extend(bytes, size);

	if (to && size)
		memcpy(to, data, size);
}

void bytes_put_number(struct bytes *bytes, uint64_t value, unsigned size)
{
	uint8_t *to = bytes_extend(bytes, size);

	for (unsigned i = 0; to && i < size; i++)
		to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

void bytes_drop(struct bytes *bytes, size_t size)
{
	bytes->size -= size;
	if (bytes->size)
		memmove(bytes->data, bytes->data + size, bytes->size);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}
