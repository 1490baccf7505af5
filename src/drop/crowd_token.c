/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "rv1-" and base 32 without letters that look alike, five bits a letter: the fingerprint, the secret, and a CRC-16 of both. */
#include "drop/crc.h"
#include "drop/crowd.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PREFIX "rv1-"
#define SIZE   (CROWD_ID_SIZE + CROWD_SECRET_SIZE + 2)

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

const char *crowd_token_text(const struct crowd_token *token, char text[static CROWD_TOKEN_MAX])
{
	uint8_t bytes[SIZE];
	uint16_t crc;
	char *to = text + strlen(PREFIX);
	unsigned bits = 0, count = 0;

	memcpy(bytes, token->crowd, CROWD_ID_SIZE);
	memcpy(bytes + CROWD_ID_SIZE, token->secret, CROWD_SECRET_SIZE);
	crc = crc16(0, bytes, SIZE - 2);
	bytes[SIZE - 2] = (uint8_t)(crc >> 8);
	bytes[SIZE - 1] = (uint8_t)crc;
	memcpy(text, PREFIX, strlen(PREFIX));
	for (unsigned i = 0; i < SIZE; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 5; count -= 5)
			*to++ = letters[bits >> (count - 5) & 31];
		bits &= (1u << count) - 1;
	}
	*to = '\0'; /* 400 bits: nothing is left over */
	return text;
}

int crowd_token_parse(const char *text, struct crowd_token *ret)
{
	uint8_t bytes[SIZE];
	unsigned bits = 0, count = 0, size = 0;
	uint16_t crc;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -EINVAL;
	for (text += strlen(PREFIX); *text; text++) {
		const char *letter = strchr(letters, tolower((unsigned char)*text));

		if (!letter)
			return -EINVAL;
		bits = (bits << 5 | (unsigned)(letter - letters)) & 0xfff;
		count += 5;
		if (count < 8)
			continue;
		count -= 8;
		if (size == SIZE)
			return -EINVAL;
		bytes[size++] = (uint8_t)(bits >> count);
	}
	if (size != SIZE || count)
		return -EINVAL;
	crc = crc16(0, bytes, SIZE - 2);
	if (bytes[SIZE - 2] != (uint8_t)(crc >> 8) || bytes[SIZE - 1] != (uint8_t)crc)
		return -EINVAL;
	memcpy(ret->crowd, bytes, CROWD_ID_SIZE);
	memcpy(ret->secret, bytes + CROWD_ID_SIZE, CROWD_SECRET_SIZE);
	return 0;
}
