/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/stream.h"

#include "lab/random.h"

#include <errno.h>
#include <string.h>

/* Eight bytes of the pattern: a counter, mixed, so that any part can be had without what is before it. */
static uint64_t word(uint64_t seed, uint64_t index)
{
	struct random random = {seed + index * 0x9e3779b97f4a7c15};

	return random_next(&random);
}

void stream_pattern(uint64_t seed, uint64_t offset, void *bytes, size_t size)
{
	uint8_t *to = bytes;

	while (size > 0) {
		uint64_t value = word(seed, offset / 8);
		size_t skip = offset % 8, part = 8 - skip < size ? 8 - skip : size;

		memcpy(to, (uint8_t *)&value + skip, part);
		to += part;
		offset += part;
		size -= part;
	}
}

size_t stream_compare(uint64_t seed, uint64_t offset, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	size_t bad = 0;

	while (size > 0) {
		uint64_t value = word(seed, offset / 8);
		size_t skip = offset % 8, part = 8 - skip < size ? 8 - skip : size;
		const uint8_t *wanted = (uint8_t *)&value + skip;

		if (memcmp(wanted, from, part) != 0)
			for (size_t i = 0; i < part; i++)
				bad += wanted[i] != from[i];
		from += part;
		offset += part;
		size -= part;
	}
	return bad;
}

static void put(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

size_t stream_write(struct stream_out *out, uint64_t want, uint8_t block[static STREAM_BLOCK])
{
	uint32_t length =
		want < STREAM_BLOCK - STREAM_HEAD ? (uint32_t)want : STREAM_BLOCK - STREAM_HEAD;

	put(block, length);
	put(block + 4, ~length);
	stream_pattern(out->seed, out->bytes, block + STREAM_HEAD, length);
	out->bytes += length;
	out->ended = length == 0;
	return STREAM_HEAD + length;
}

/* A whole head has come. */
static int begin(struct stream_in *in)
{
	uint32_t length = get(in->head);

	if (get(in->head + 4) != ~length || length > STREAM_BLOCK - STREAM_HEAD)
		return -EBADMSG;
	in->have = 0;
	in->left = length;
	in->ended = length == 0;
	return 0;
}

int stream_read(struct stream_in *in, const uint8_t *bytes, size_t size)
{
	int taken = 0;

	while (size > 0) {
		size_t part = in->left < size ? in->left : size;

		if (in->ended)
			return -EBADMSG;
		if (part > 0) {
			in->bad += stream_compare(in->seed, in->bytes, bytes, part);
			in->bytes += part;
			in->left -= (uint32_t)part;
			taken += (int)part;
		} else {
			part = STREAM_HEAD - in->have < size ? STREAM_HEAD - in->have : size;
			memcpy(in->head + in->have, bytes, part);
			in->have += (unsigned)part;
			if (in->have == STREAM_HEAD && begin(in) < 0)
				return -EBADMSG;
		}
		bytes += part;
		size -= part;
	}
	return taken;
}
