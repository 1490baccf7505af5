/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/crowd.h"
#include "drop/sql.h"

#include "base/cleanup.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR     (365 * 24 * 3600ULL)
#define CA_VALID (10 * YEAR)
#define SLOW_CLOCKS \
	(24 * 3600) /* certificates begin that much earlier, for devices whose clock is behind */
#define SERIAL_SIZE 16

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS invitations (secret BLOB PRIMARY KEY, name TEXT, open_until "
	"INTEGER,"
	" valid INTEGER, used INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS issued (serial BLOB PRIMARY KEY, node TEXT, expires INTEGER,"
	" revoked INTEGER);";

/* The authority, while it does something. */
struct authority {
	struct sql *db;
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
};

static void authority_close(struct authority *authority)
{
	sql_close(authority->db);
	if (authority->key)
		gnutls_x509_privkey_deinit(authority->key);
	if (authority->certificate)
		gnutls_x509_crt_deinit(authority->certificate);
}

static int open_db(const char *folder, struct sql **ret, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/crowd.db", folder);
	return sql_open(path, schema, ret, err);
}

static int authority_open(const char *folder, struct authority *ret, struct err *err)
{
	gnutls_datum_t key = {0}, certificate = {0};
	int code = identity_read(folder, "ca-key.pem", &key, err);

	*ret = (struct authority){0};
	if (code == -ENOENT)
		return err_set(err, code,
			       "this device did not found the crowd ('%s' has no ca-key.pem): "
			       "only the one that did can do this",
			       folder);
	if (code == 0)
		code = identity_read(folder, "ca.pem", &certificate, err);
	if (code == 0) {
		code = gnutls_x509_privkey_init(&ret->key);
		if (code >= 0)
			code = gnutls_x509_privkey_import(ret->key, &key, GNUTLS_X509_FMT_PEM);
		if (code >= 0)
			code = gnutls_x509_crt_init(&ret->certificate);
		if (code >= 0)
			code = gnutls_x509_crt_import(ret->certificate, &certificate,
						      GNUTLS_X509_FMT_PEM);
		code = identity_tls(code, err, "the crowd's authority");
	}
	if (key.data)
		gnutls_memset(key.data, 0, key.size);
	gnutls_free(key.data);
	gnutls_free(certificate.data);
	if (code == 0)
		code = open_db(folder, &ret->db, err);
	if (code < 0)
		authority_close(ret);
	return code;
}

static void hash_secret(const uint8_t secret[static CROWD_SECRET_SIZE], uint8_t ret[static 32])
{
	gnutls_hash_fast(GNUTLS_DIG_SHA256, secret, CROWD_SECRET_SIZE, ret);
}

static int set_times(gnutls_x509_crt_t certificate, uint64_t valid)
{
	time_t now = time(NULL);
	int code = gnutls_x509_crt_set_activation_time(certificate, now - SLOW_CLOCKS);

	return code < 0 ? code
			: gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)valid);
}

static int set_serial(gnutls_x509_crt_t certificate, uint8_t serial[static SERIAL_SIZE])
{
	int code = gnutls_rnd(GNUTLS_RND_NONCE, serial, SERIAL_SIZE);

	serial[0] =
		(serial[0] & 0x7f) | 1; /* positive, and of this size (RFC 5280, section 4.1.2.2) */
	return code < 0 ? code : gnutls_x509_crt_set_serial(certificate, serial, SERIAL_SIZE);
}

/* What a node's certificate says, but for its key. */
static int fill_node(gnutls_x509_crt_t certificate, const char *node, uint64_t valid,
		     uint8_t serial[static SERIAL_SIZE])
{
	_cleanup_bytes_ struct bytes name = {0};
	int code = identity_put_name(&name, node);

	if (code < 0)
		return GNUTLS_E_MEMORY_ERROR;
	code = gnutls_x509_crt_set_version(certificate, 3);
	if (code >= 0)
		code = set_serial(certificate, serial);
	if (code >= 0)
		code = set_times(certificate, valid);
	if (code >= 0)
		code = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
						     node, (unsigned)strlen(node));
	if (code >= 0)
		code = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
	if (code >= 0)
		code = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (code >= 0)
		code = gnutls_x509_crt_set_key_purpose_oid(certificate, BUNDLE_SECURITY_OID, 0);
	if (code >= 0)
		code = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER,
							   0);
	if (code >= 0)
		code = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_CLIENT,
							   0);
	if (code >= 0)
		code = gnutls_x509_crt_set_subject_alt_othername(certificate, BUNDLE_EID_OID,
								 name.data, (unsigned)name.size,
								 GNUTLS_FSAN_SET);
	return code;
}

/* Signs it, notes it, and gives it out. */
static int issue(const struct authority *authority, gnutls_x509_crt_t certificate, const char *node,
		 uint64_t valid, gnutls_x509_crt_fmt_t format, gnutls_datum_t *ret, struct err *err)
{
	uint8_t serial[SERIAL_SIZE];
	int code = fill_node(certificate, node, valid, serial);

	if (code >= 0)
		code = gnutls_x509_crt_sign2(certificate, authority->certificate, authority->key,
					     GNUTLS_DIG_SHA512, 0);
	if (code < 0)
		return identity_tls(code, err, "cannot make a certificate");
	code = sql_run(authority->db, "INSERT INTO issued VALUES (?, ?, ?, NULL)", "bti", serial,
		       sizeof(serial), node, (uint64_t)time(NULL) + valid);
	if (code < 0)
		return err_set(err, code, "cannot note the certificate: %s", strerror(-code));
	return identity_tls(gnutls_x509_crt_export2(certificate, format, ret), err,
			    "cannot make a certificate");
}

static int new_authority(const char *folder, const char *name, struct authority *ret,
			 struct err *err)
{
	uint8_t serial[SERIAL_SIZE], id[20];
	size_t id_size = sizeof(id);
	gnutls_datum_t pem = {0};
	int code = identity_new_key(folder, "ca-key.pem", &ret->key, err);

	if (code < 0)
		return code;
	code = gnutls_x509_crt_init(&ret->certificate);
	if (code >= 0)
		code = gnutls_x509_crt_set_version(ret->certificate, 3);
	if (code >= 0)
		code = set_serial(ret->certificate, serial);
	if (code >= 0)
		code = set_times(ret->certificate, CA_VALID);
	if (code >= 0)
		code = gnutls_x509_crt_set_dn_by_oid(ret->certificate, GNUTLS_OID_X520_COMMON_NAME,
						     0, name, (unsigned)strlen(name));
	if (code >= 0)
		code = gnutls_x509_crt_set_key(ret->certificate, ret->key);
	if (code >= 0)
		code = gnutls_x509_crt_set_basic_constraints(ret->certificate, 1, 0);
	if (code >= 0)
		code = gnutls_x509_crt_set_key_usage(
			ret->certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN |
						  GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (code >= 0)
		code = gnutls_x509_crt_get_key_id(ret->certificate, 0, id, &id_size);
	if (code >= 0)
		code = gnutls_x509_crt_set_subject_key_id(ret->certificate, id, id_size);
	if (code >= 0)
		code = gnutls_x509_crt_sign2(ret->certificate, ret->certificate, ret->key,
					     GNUTLS_DIG_SHA512, 0);
	if (code >= 0)
		code = gnutls_x509_crt_export2(ret->certificate, GNUTLS_X509_FMT_PEM, &pem);
	code = code < 0 ? identity_tls(code, err, "cannot make an authority")
			: identity_write(folder, "ca.pem", pem.data, pem.size, err);
	gnutls_free(pem.data);
	return code < 0 ? code : open_db(folder, &ret->db, err);
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
			: issue(authority, certificate, node, CA_VALID, GNUTLS_X509_FMT_PEM, &pem,
				err);
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
	code = new_authority(folder, name, &authority, err);
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
		code = issue(&authority, certificate, node, valid, GNUTLS_X509_FMT_DER, &out, err);
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

/* All that were revoked and have not run out; numbered by how many revocations there have been. */
static int make_list(const struct authority *authority, gnutls_x509_crl_t list)
{
	time_t now = time(NULL);
	uint64_t number = sql_number(authority->db, 0,
				     "SELECT count(*) FROM issued WHERE revoked IS NOT NULL", "");
	uint8_t bytes[8];
	int code = gnutls_x509_crl_set_version(list, 2);
	_cleanup_stmt_ sqlite3_stmt *row = sql_query(
		authority->db,
		"SELECT serial, revoked FROM issued WHERE revoked IS NOT NULL AND expires > ?", "i",
		(uint64_t)now - SLOW_CLOCKS);

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> 8 * (sizeof(bytes) - 1 - i));
	while (code >= 0 && row && sqlite3_step(row) == SQLITE_ROW)
		code = gnutls_x509_crl_set_crt_serial(list, sqlite3_column_blob(row, 0),
						      (size_t)sqlite3_column_bytes(row, 0),
						      (time_t)sqlite3_column_int64(row, 1));
	if (code >= 0)
		code = gnutls_x509_crl_set_this_update(list, now);
	if (code >= 0)
		code = gnutls_x509_crl_set_next_update(list, now + (time_t)CA_VALID);
	if (code >= 0)
		code = gnutls_x509_crl_set_number(list, bytes, sizeof(bytes));
	if (code >= 0)
		code = gnutls_x509_crl_sign2(list, authority->certificate, authority->key,
					     GNUTLS_DIG_SHA512, 0);
	return code;
}

int crowd_revoke(const char *folder, const char *node, struct err *err)
{
	struct authority authority;
	gnutls_x509_crl_t list = NULL;
	gnutls_datum_t pem = {0};
	int code = authority_open(folder, &authority, err);

	if (code < 0)
		return code;
	code = sql_run(authority.db,
		       "UPDATE issued SET revoked = ? WHERE node = ? AND revoked IS NULL", "it",
		       (uint64_t)time(NULL), node);
	if (code <= 0) {
		code = err_set(err, code ? code : -ENOENT,
			       "there is no node '%s' that could be revoked", node);
	} else {
		code = gnutls_x509_crl_init(&list);
		if (code >= 0)
			code = make_list(&authority, list);
		if (code >= 0)
			code = gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM, &pem);
		code = code < 0 ? identity_tls(code, err, "cannot make the list of revocations")
				: identity_write(folder, "revoked.pem", pem.data, pem.size, err);
		gnutls_free(pem.data);
	}
	if (list)
		gnutls_x509_crl_deinit(list);
	authority_close(&authority);
	return code;
}
