/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that grow at their end. Running out of memory is remembered (@failed) instead of answered at
 * each step, so that what builds a message reads as the message does and asks once, at its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data; /* owned: bytes_free() */
	size_t size, room;
	bool failed; /* some of it is missing: there was no memory */
};

/* Room for @size more bytes at the end, which then count as written; NULL: no memory. */
uint8_t *bytes_extend(struct bytes *bytes, size_t size);
void bytes_put(struct bytes *bytes, const void *data, size_t size);
/* Big-endian, as networks have it. */
void bytes_put_number(struct bytes *bytes, uint64_t value, unsigned size);
/* Forgets the first @size bytes. */
void bytes_drop(struct bytes *bytes, size_t size);
void bytes_free(struct bytes *bytes);

#define _cleanup_bytes_ __attribute__((cleanup(bytes_free)))
