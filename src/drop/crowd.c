/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/crowd.h"
#include "drop/authority.h"

#include "base/cleanup.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void hash_secret(const uint8_t secret[static CROWD_SECRET_SIZE], uint8_t ret[static 32])
{
	gnutls_hash_fast(GNUTLS_DIG_SHA256, secret, CROWD_SECRET_SIZE, ret);
}

/* The founder's own certificate, written last: then the identity is whole. */
static int certify_self(const char *folder, const char *node, const struct authority *authority,
			struct err *err)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t certificate = NULL;
	gnutls_datum_t pem = {0};
	int code = identity_new_key(folder, "key.pem", &key, err);

	if (code < 0)
		return code;
	code = gnutls_x509_crt_init(&certificate);
	if (code >= 0)
		code = gnutls_x509_crt_set_key(certificate, key);
	code = code < 0 ? identity_tls(code, err, "cannot make a certificate")
			: authority_issue(authority, certificate, node, AUTHORITY_VALID,
					  GNUTLS_X509_FMT_PEM, &pem, err);
	if (code == 0)
		code = identity_write(folder, "certificate.pem", pem.data, pem.size, err);
	gnutls_free(pem.data);
	if (certificate)
		gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
	return code;
}

int crowd_new(const char *folder, const char *name, const char *node, struct err *err)
{
	struct authority authority = {0};
	char path[PATH_MAX];
	int code;

	if (!eid_is_name(name) || strlen(name) >= CROWD_NAME_MAX)
		return err_set(err, -EINVAL,
			       "'%s' cannot be a crowd's name: letters, digits, '-', '_', '.'",
			       name);
	if (!eid_is_name(node))
		return err_set(err, -EINVAL,
			       "'%s' cannot be a node's name: letters, digits, '-', '_', '.'",
			       node);
	code = identity_folder(folder, err);
	if (code < 0)
		return code;
	snprintf(path, sizeof(path), "%s/certificate.pem", folder);
	if (access(path, F_OK) == 0)
		return err_set(err, -EEXIST,
			       "this device is of a crowd already: '%s' (another one: --state, or "
			       "move that folder away)",
			       folder);
	code = authority_new(folder, name, &authority, err);
	if (code == 0)
		code = certify_self(folder, node, &authority, err);
	authority_close(&authority);
	return code;
}

int crowd_invite(const char *folder, const char *name, uint64_t open_for, uint64_t valid,
		 struct crowd_token *ret, struct err *err)
{
	struct authority authority;
	uint8_t hash[32];
	size_t size = sizeof(ret->crowd);
	int code;

	if (name && !eid_is_name(name))
		return err_set(err, -EINVAL,
			       "'%s' cannot be a node's name: letters, digits, '-', '_', '.'",
			       name);
	code = authority_open(folder, &authority, err);
	if (code < 0)
		return code;
	code = gnutls_x509_crt_get_fingerprint(authority.certificate, GNUTLS_DIG_SHA256, ret->crowd,
					       &size);
	if (code >= 0)
		code = gnutls_rnd(GNUTLS_RND_KEY, ret->secret, sizeof(ret->secret));
	code = identity_tls(code, err, "cannot make an invitation");
	if (code == 0) {
		hash_secret(ret->secret, hash);
		code = sql_run(authority.db, "INSERT INTO invitations VALUES (?, ?, ?, ?, 0)",
			       "btii", hash, sizeof(hash), name, (uint64_t)time(NULL) + open_for,
			       valid);
		if (code < 0)
			err_set(err, code, "cannot note the invitation: %s", strerror(-code));
	}
	authority_close(&authority);
	return code < 0 ? code : 0;
}

/* Takes the invitation out of use; how long its certificate is valid. */
static int spend(struct sql *db, const uint8_t secret[static CROWD_SECRET_SIZE], const char *node,
		 uint64_t *ret_valid, struct err *err)
{
	uint64_t now = (uint64_t)time(NULL);
	uint8_t hash[32];
	_cleanup_stmt_ sqlite3_stmt *found = NULL;
	const char *name;
	int changed;

	hash_secret(secret, hash);
	found = sql_query(db,
			  "SELECT used, open_until, valid, name FROM invitations WHERE secret = ?",
			  "b", hash, sizeof(hash));
	if (!found)
		return err_set(err, -EIO, "cannot read the invitations");
	if (sqlite3_step(found) != SQLITE_ROW)
		return err_set(err, -EACCES, "'%s' shows an invitation that there is not", node);
	if (sqlite3_column_int(found, 0))
		return err_set(err, -EACCES, "'%s' shows an invitation that was used before", node);
	if ((uint64_t)sqlite3_column_int64(found, 1) < now)
		return err_set(err, -EACCES, "'%s' shows an invitation whose time is over", node);
	name = (const char *)sqlite3_column_text(found, 3);
	if (name && strcmp(name, node) != 0)
		return err_set(err, -EACCES, "'%s' shows an invitation that is for '%s'", node,
			       name);
	*ret_valid = (uint64_t)sqlite3_column_int64(found, 2);
	if (sql_number(db, 0,
		       "SELECT count(*) FROM issued WHERE node = ? AND revoked IS NULL AND expires "
		       "> ?",
		       "ti", node, now))
		return err_set(err, -EEXIST, "there is a node '%s' already", node);
	changed = sql_run(db, "UPDATE invitations SET used = 1 WHERE secret = ? AND used = 0", "b",
			  hash, sizeof(hash));
	if (changed < 0)
		return err_set(err, changed, "cannot note that the invitation is used");
	if (changed == 0) /* by another process, just now */
		return err_set(err, -EACCES, "'%s' shows an invitation that was used before", node);
	return 0;
}

int crowd_admit(const char *folder, const uint8_t secret[static CROWD_SECRET_SIZE],
		const char *node, const void *request, size_t size, struct bytes *ret,
		struct err *err)
{
	struct authority authority;
	gnutls_datum_t der = {(void *)request, (unsigned)size}, out = {0};
	gnutls_x509_crq_t asked = NULL;
	gnutls_x509_crt_t certificate = NULL;
	uint64_t valid = 0;
	int code;

	if (!eid_is_name(node))
		return err_set(err, -EBADMSG, "it asks for a name that no node can have");
	code = authority_open(folder, &authority, err);
	if (code < 0)
		return code;
	code = gnutls_x509_crq_init(&asked);
	if (code >= 0)
		code = gnutls_x509_crq_import(asked, &der, GNUTLS_X509_FMT_DER);
	if (code >= 0)
		code = gnutls_x509_crq_verify(asked, 0);
	if (code >= 0)
		code = gnutls_x509_crt_init(&certificate);
	if (code >= 0)
		code = gnutls_x509_crt_set_crq(certificate, asked);
	if (code >= 0 && gnutls_x509_crq_get_pk_algorithm(asked, NULL) != GNUTLS_PK_EDDSA_ED25519)
		code = GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	code = code < 0 ? err_set(err, -EBADMSG, "'%s' sends no request for a certificate", node)
			: spend(authority.db, secret, node, &valid, err);
	if (code == 0)
		code = authority_issue(&authority, certificate, node, valid, GNUTLS_X509_FMT_DER,
				       &out, err);
	if (code == 0)
		bytes_put(ret, out.data, out.size);
	if (code == 0 && ret->failed)
		code = err_set(err, -ENOMEM, "out of memory");
	gnutls_free(out.data);
	if (certificate)
		gnutls_x509_crt_deinit(certificate);
	if (asked)
		gnutls_x509_crq_deinit(asked);
	authority_close(&authority);
	return code;
}

static bool is_own(const char *folder, const char *node)
{
	struct identity *identity = NULL;
	struct err unused;
	bool own =
		identity_open(folder, &identity, &unused) == 0 && strcmp(identity->node, node) == 0;

	identity_close(identity);
	return own;
}

int crowd_revoke(const char *folder, const char *node, struct err *err)
{
	struct authority authority;
	gnutls_x509_crl_t list = NULL;
	gnutls_datum_t pem = {0};
	int code = authority_open(folder, &authority, err);

	if (code < 0)
		return code;
	/* Without its own certificate the founder meets nobody, and nobody can be invited any more. */
	if (is_own(folder, node)) {
		authority_close(&authority);
		return err_set(err, -EINVAL, "'%s' is this device itself, the crowd's founder",
			       node);
	}
	/* Noted when the list is written: or, where that fails, there would be nothing left to revoke. */
	code = sql_run(authority.db, "BEGIN IMMEDIATE", "");
	if (code >= 0)
		code = sql_run(authority.db,
			       "UPDATE issued SET revoked = ? WHERE node = ? AND revoked IS NULL",
			       "it", (uint64_t)time(NULL), node);
	if (code < 0) {
		code = err_set(err, code, "cannot note the revocation: %s", strerror(-code));
	} else if (code == 0) {
		code = err_set(err, -ENOENT, "there is no node '%s' that could be revoked", node);
	} else {
		code = gnutls_x509_crl_init(&list);
		if (code >= 0)
			code = authority_list(&authority, list);
		if (code >= 0)
			code = gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM, &pem);
		code = code < 0 ? identity_tls(code, err, "cannot make the list of revocations")
				: identity_write(folder, "revoked.pem", pem.data, pem.size, err);
		gnutls_free(pem.data);
		if (code == 0 && sql_run(authority.db, "COMMIT", "") < 0)
			code = err_set(err, -EIO, "cannot note the revocation");
	}
	if (list)
		gnutls_x509_crl_deinit(list);
	authority_close(&authority); /* what is not committed is undone */
	return code;
}
