/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS 1.3 over a connected stream socket that does not block, by GnuTLS. Nothing here waits: what would is -EAGAIN, and
 * tls_wants_write() says what for. A peer is known by a certificate that an authority has signed for its name, or by its public
 * key itself (a pin), which needs no authority.
 *
 * An end that was not announced is -ECONNRESET and never 0: whoever cuts a connection off cannot make half of a file look whole.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_KEY_ID_SIZE 32    /* SHA-256 of a public key (SubjectPublicKeyInfo) */
#define TLS_RECORD_MAX  16384 /* bytes of payload (RFC 8446, section 5.1) */

/* Files in PEM, borrowed; NULL: none. */
struct tls_setup {
	const char *certificate, *key; /* our own */
	const char *
		authorities; /* whom peers' certificates are signed by; NULL: those of the system */
	bool serves;         /* this end is the server... */
	bool asks; /* ...and asks for a certificate of its clients, of whatever signature */
};

struct tls_keys;

/* The caller closes, before or after the sessions, which keep what they need. */
int tls_keys_open(struct tls_keys **ret, const struct tls_setup *setup, struct err *err);
void tls_keys_close(struct tls_keys *keys);

struct tls;

/* @name: of the server, NULL at the server's end. @pin: the key that it must have instead of a signature for its name; NULL:
 * none. The descriptor stays the caller's. -ENOMEM. */
int tls_begin(struct tls **ret, struct tls_keys *keys, int fd, const char *name,
	      const uint8_t *pin);
void tls_close(struct tls *tls);

/* 0: both ends know each other; -EAGAIN; else it failed, and why is in @err. */
int tls_shake(struct tls *tls, struct err *err);

/* Bytes; 0: the peer has announced its end; -EAGAIN; -ECONNRESET: it was cut off; -EPROTO. */
ssize_t tls_read(struct tls *tls, void *ret, size_t size);
/* Takes up to TLS_RECORD_MAX of the bytes, which may still be within, or none of them: -EAGAIN. */
ssize_t tls_write(struct tls *tls, const void *bytes, size_t size);
/* Gives away what was taken: 0, -EAGAIN or why it cannot be. */
int tls_flush(struct tls *tls);
/* Announces the end of what is written; as tls_flush(). */
int tls_end(struct tls *tls);

/* Has tls_read() bytes that the descriptor does not tell of any more? */
bool tls_has_bytes(const struct tls *tls);
/* Is it the descriptor's room for writing that is waited for? */
bool tls_wants_write(const struct tls *tls);

/* The peer's public key. -ENOENT: it has shown none. */
int tls_peer_key(const struct tls *tls, uint8_t ret[static TLS_KEY_ID_SIZE]);

/* Makes a key and a certificate for @name, valid for ten years, signed by itself. The files must not be there; the key is
 * readable by its owner alone. -EEXIST, ... */
int tls_make(const char *certificate, const char *key, const char *name,
	     uint8_t ret_id[static TLS_KEY_ID_SIZE], struct err *err);
/* The public key of a certificate in a file. */
int tls_file_key(const char *path, uint8_t ret[static TLS_KEY_ID_SIZE], struct err *err);
