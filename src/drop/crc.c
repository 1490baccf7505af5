/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both are reflected, begin with all ones and end inverted. Eight bytes go at once through eight tables ("slicing
 * by 8"), which are filled by the first use: a table says what a byte does that has n more behind it.
 */
#include "drop/crc.h"

#include <pthread.h>

#define SLICES 8

static uint32_t table16[SLICES][256], table32[SLICES][256];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill_one(uint32_t table[SLICES][256], uint32_t polynomial)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
		table[0][byte] = crc;
	}
	for (unsigned slice = 1; slice < SLICES; slice++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint32_t crc = table[slice - 1][byte];

			table[slice][byte] = crc >> 8 ^ table[0][crc & 0xff];
		}
}

static void fill(void)
{
	fill_one(table16, 0x8408u);
	fill_one(table32, 0x82f63b78u);
}

static uint32_t run(uint32_t table[SLICES][256], uint32_t crc, const uint8_t *at, size_t size)
{
	pthread_once(&filled, fill);
	for (; size >= SLICES; at += SLICES, size -= SLICES) {
		uint32_t next = 0;

		for (unsigned i = 0; i < SLICES; i++) {
			uint32_t before = i < 4 ? crc >> 8 * i & 0xff : 0;

			next ^= table[SLICES - 1 - i][at[i] ^ before];
		}
		crc = next;
	}
	while (size--)
		crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xff];
	return crc;
}

uint16_t crc16(uint16_t crc, const void *data, size_t size)
{
	return (uint16_t)~run(table16, (uint16_t)~crc, data, size);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
	return ~run(table32, ~crc, data, size);
}
