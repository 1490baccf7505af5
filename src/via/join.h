/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client knows of a relay, on one line that can be handed on:
 *
 *   tls://TOKEN@HOST:PORT#KEY     inside TLS; KEY is the SHA-256 of the relay's public key, 64 hexadecimal digits. Without it
 *                                 the relay needs a certificate for HOST of an authority that the system trusts
 *   plain://TOKEN@HOST:PORT       for networks that are trusted
 *   HOST, HOST:PORT               as tls://
 *
 * TOKEN and PORT may be left out. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/tls.h"

#include <stdbool.h>
#include <stdint.h>

#define JOIN_PORT      "7443"
#define JOIN_HOST_SIZE 256
#define JOIN_PORT_SIZE 6
#define JOIN_TOKEN_MAX 128
#define JOIN_TEXT_MAX  560

struct join {
	bool plain;
	char host[JOIN_HOST_SIZE];      /* a name or an address, without brackets */
	char port[JOIN_PORT_SIZE];      /* 1 to 65535 */
	char token[JOIN_TOKEN_MAX + 1]; /* "": none */
	bool pinned;
	uint8_t pin[TLS_KEY_ID_SIZE];
};

/* -EINVAL with what was expected, which never repeats the token. */
int join_parse(const char *text, struct join *ret, struct err *err);
/* The line. Returns @text. */
const char *join_text(const struct join *join, char text[static JOIN_TEXT_MAX]);

/* 64 hexadecimal digits, and back. False: it is something else. */
#define JOIN_KEY_TEXT_SIZE (2 * TLS_KEY_ID_SIZE + 1)
bool join_parse_key(const char *text, uint8_t ret[static TLS_KEY_ID_SIZE]);
const char *join_key_text(const uint8_t key[static TLS_KEY_ID_SIZE],
			  char text[static JOIN_KEY_TEXT_SIZE]);

/* Letters, digits, "-", "." and "_": what needs no quoting in a header, a shell or a file. */
bool join_is_token(const char *text);
