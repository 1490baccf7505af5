/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes that workloads send: a pattern that a seed decides, in blocks, so that the receiver can tell of each byte whether
 * it is the one that was sent, and of the stream whether it is whole. Pure.
 *
 *   block   length (4 bytes, little endian), its complement, then as many bytes of the pattern
 *   end     a block of length 0
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_BLOCK 16384u /* at most, with its head */
#define STREAM_HEAD  8u

/* Writes the pattern's bytes from @offset on. */
void stream_pattern(uint64_t seed, uint64_t offset, void *bytes, size_t size);
/* How many of @bytes are not the pattern's. */
size_t stream_compare(uint64_t seed, uint64_t offset, const void *bytes, size_t size);

/* The sending end; zero but @seed. */
struct stream_out {
	uint64_t seed;
	uint64_t bytes; /* of the pattern, so far */
	bool ended;
};

/* Writes the next block with @want bytes of the pattern (0: the end) into @block, and returns its size. */
size_t stream_write(struct stream_out *out, uint64_t want, uint8_t block[static STREAM_BLOCK]);

/* The receiving end; zero but @seed. */
struct stream_in {
	uint64_t seed;
	uint64_t bytes, bad; /* of the pattern; those of them that are wrong */
	uint32_t left;       /* of the block */
	uint8_t head[STREAM_HEAD];
	unsigned have; /* of head */
	bool ended;
};

/* Takes what came; how many bytes of the pattern were among it, or -EBADMSG: that is no block. What comes after the end is
 * -EBADMSG too. */
int stream_read(struct stream_in *in, const uint8_t *bytes, size_t size);
