/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who a node is, and whom it trusts. A crowd is a certificate authority of its own; a node of it has a key (Ed25519, never
 * leaving the device) and a certificate of that authority, with its node ID, "dtn://NODE/", as RFC 9174, section 4.4.1,
 * wants it: a subject alternative name of the type bundleEID. Nothing else is trusted: not the system's authorities, no name
 * of a host, no chain of more than one step.
 *
 * All of it is in one folder, which only its user can enter:
 *
 *     key.pem  certificate.pem  ca.pem     of every node
 *     revoked.pem                          the authority's list of certificates that count no more, if there is one
 *     ca-key.pem  crowd.db                 of the node that founded the crowd (crowd.h)
 */
#pragma once

#include "base/err.h"
#include "drop/bytes.h"
#include "drop/eid.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdbool.h>

#define CROWD_ID_SIZE  32
#define CROWD_NAME_MAX 64

struct identity {
	char folder[PATH_MAX];
	char node[NODE_MAX];
	struct eid eid;
	char crowd_name[CROWD_NAME_MAX];
	uint8_t crowd[CROWD_ID_SIZE]; /* SHA-256 of the authority's certificate */
	bool founder;                 /* has the authority's key */
	gnutls_x509_privkey_t key;    /* owned, as all below */
	gnutls_x509_crt_t certificate, ca;
	gnutls_x509_crl_t revoked; /* NULL: none yet */
	gnutls_certificate_credentials_t credentials;
	gnutls_certificate_credentials_t
		admitting; /* with the authority's own key, by which new devices know it; NULL: no founder */
};

/* Reads the node's files. -ENOENT: it is of no crowd yet. Closed by identity_close(). */
int identity_open(const char *folder, struct identity **ret, struct err *err);
void identity_close(struct identity *identity);

/* Is the peer of a finished handshake a node of the crowd? 0 with its name; -ENOKEY: it showed no certificate; -EKEYREJECTED:
 * of another crowd, or none of a node; -EKEYEXPIRED; -EKEYREVOKED. @err says it with the name that the certificate has. */
int identity_check_peer(const struct identity *identity, gnutls_session_t session,
			char ret_node[static NODE_MAX], struct err *err);
/* The same of a certificate in DER. */
int identity_check(const struct identity *identity, const void *der, size_t size,
		   char ret_node[static NODE_MAX], gnutls_x509_crt_t *ret, struct err *err);

/* Our certificate, or list of revocations, as DER at the end of @to. The list is empty where there is none. */
int identity_put_certificate(const struct identity *identity, struct bytes *to);
int identity_put_revoked(const struct identity *identity, struct bytes *to);
/* Takes a newer list of revocations, which the authority must have signed. 1: taken; 0: we have as new a one. */
int identity_take_revoked(struct identity *identity, const void *der, size_t size, struct err *err);
/* Reads the list again where the file has changed. True: it has. */
bool identity_reload(struct identity *identity);

/* Ed25519 over @size bytes. */
#define SIGNATURE_SIZE 64
int identity_sign(const struct identity *identity, const void *data, size_t size,
		  uint8_t ret[static SIGNATURE_SIZE]);
bool identity_verify(gnutls_x509_crt_t certificate, const void *data, size_t size,
		     const uint8_t signature[static SIGNATURE_SIZE]);

/* What crowd.c and join.c share with identity.c: objects of GnuTLS, and files of PEM. */

/* -EIO with GnuTLS's words, unless @code is GNUTLS_E_SUCCESS or more. */
int identity_tls(int code, struct err *err, const char *what);
/* Sets the name that makes a certificate, or a request for one, that of @node. DER of an IA5String. */
int identity_put_name(struct bytes *to, const char *node);
/* Makes the folder, and the ones above it, where it is not there. */
int identity_folder(const char *folder, struct err *err);
int identity_write(const char *folder, const char *name, const void *data, size_t size,
		   struct err *err);
/* -ENOENT without words: there is no such file. */
int identity_read(const char *folder, const char *name, gnutls_datum_t *ret, struct err *err);
int identity_new_key(const char *folder, const char *name, gnutls_x509_privkey_t *ret,
		     struct err *err);

#define BUNDLE_EID_OID      "1.3.6.1.5.5.7.8.11"
#define BUNDLE_SECURITY_OID "1.3.6.1.5.5.7.3.35"
