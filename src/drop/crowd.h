/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd's certificate authority, which is the device that founded it. It hands out invitations: a token with the
 * fingerprint of the authority's certificate, by which the new device knows whom it talks to, and a secret, by which the
 * authority knows the device. Of the secret only a hash is kept. An invitation makes one certificate and is spent before that is
 * made, so that whatever happens it is never used twice. Several processes may do this at once: crowd.db sees to it.
 */
#pragma once

#include "drop/identity.h"

#include <stdint.h>

#define CROWD_SECRET_SIZE 16
#define CROWD_TOKEN_MAX   128

struct crowd_token {
	uint8_t crowd[CROWD_ID_SIZE];
	uint8_t secret[CROWD_SECRET_SIZE];
};

/* Founds a crowd with this node in it. -EEXIST: the folder has an identity already. */
int crowd_new(const char *folder, const char *name, const char *node, struct err *err);

/* A new invitation, good for @open_for seconds, for a certificate that is valid for @valid seconds. @name: the only name of a
 * node that it is for; NULL: any. */
int crowd_invite(const char *folder, const char *name, uint64_t open_for, uint64_t valid,
		 struct crowd_token *ret, struct err *err);

/* The certificate (DER) that an invitation makes of a request (PKCS #10 in DER) for node @node. -EACCES: there is no such
 * invitation, it is used, or its time is over; -EEXIST: the name is taken; -EBADMSG: the request is none. */
int crowd_admit(const char *folder, const uint8_t secret[static CROWD_SECRET_SIZE],
		const char *node, const void *request, size_t size, struct bytes *ret,
		struct err *err);

/* All certificates of @node count no more. -ENOENT: it has none. */
int crowd_revoke(const char *folder, const char *node, struct err *err);

/* A token as people hand it on: letters and digits, with a sum over it, so that a slip is noticed. */
const char *crowd_token_text(const struct crowd_token *token, char text[static CROWD_TOKEN_MAX]);
int crowd_token_parse(const char *text, struct crowd_token *ret);
