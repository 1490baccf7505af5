/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use a relay: a file with a line "NAME token SHA256" or "NAME key SHA256" for each. The first is of a token, which is
 * written down nowhere at the relay; the second of the public key of a client certificate, which needs nobody's signature.
 * Empty lines, and what follows '#', say nothing.
 */
#pragma once

#include "base/err.h"
#include "base/tls.h"

#include <stddef.h>

#define CLIENTS_MAX     4096
#define CLIENT_NAME_MAX 63

struct clients;

/* Pure. @path is for messages. -EINVAL: "FILE:LINE: what is wrong". The caller frees. */
int clients_parse(struct clients **ret, const char *path, const char *text, size_t size,
		  struct err *err);
int clients_read(struct clients **ret, const char *path, struct err *err);
void clients_free(struct clients *clients);

/* The number of the client that has this token, or this key; -ENOENT. In the same time whichever it is. */
int clients_by_token(const struct clients *clients, const char *token);
int clients_by_key(const struct clients *clients, const uint8_t key[static TLS_KEY_ID_SIZE]);
/* The number in @clients of the one that has @number in @before; -ENOENT: who was known by that is not any more. */
int clients_again(const struct clients *clients, const struct clients *before, int number);
const char *clients_name(const struct clients *clients, int number);
unsigned clients_count(const struct clients *clients);

/* -EINVAL: no client can be called so. */
int clients_check_name(const char *name, struct err *err);

/* Makes a token, and adds the line for it to the file, which is made if it is not there. -EEXIST: there is a client @name. */
#define CLIENTS_TOKEN_SIZE 44
int clients_add(const char *path, const char *name, char ret_token[static CLIENTS_TOKEN_SIZE],
		struct err *err);
