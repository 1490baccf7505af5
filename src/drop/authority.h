/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd's certificate authority, in the founder's folder: its key, its certificate, and a database of what it has issued and
 * whom it has invited. It is open only while it does something.
 */
#pragma once

#include "drop/identity.h"
#include "drop/sql.h"

#define AUTHORITY_VALID (10 * 365 * 24 * 3600ULL) /* s */

struct authority {
	struct sql *db; /* owned, as both below */
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
};

/* Makes that of the crowd @name. authority_close() in any case. */
int authority_new(const char *folder, const char *name, struct authority *ret, struct err *err);
/* -ENOENT: this device did not found the crowd. */
int authority_open(const char *folder, struct authority *ret, struct err *err);
void authority_close(struct authority *authority);

/* Completes @certificate, which has a key, for @node and @valid seconds; signs it, notes it, and gives it out. */
int authority_issue(const struct authority *authority, gnutls_x509_crt_t certificate,
		    const char *node, uint64_t valid, gnutls_x509_crt_fmt_t format,
		    gnutls_datum_t *ret, struct err *err);
/* The list of all that were revoked and have not run out. A GnuTLS code. */
int authority_list(const struct authority *authority, gnutls_x509_crl_t list);
