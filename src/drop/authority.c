/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/authority.h"
#include "drop/crowd.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SLOW_CLOCKS \
	(24 * 3600) /* certificates begin that much earlier, for devices whose clock is behind */
#define SERIAL_SIZE 16

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS invitations (secret BLOB PRIMARY KEY, name TEXT, open_until "
	"INTEGER,"
	" valid INTEGER, used INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS issued (serial BLOB PRIMARY KEY, node TEXT, expires INTEGER,"
	" revoked INTEGER);";

void authority_close(struct authority *authority)
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

int authority_open(const char *folder, struct authority *ret, struct err *err)
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

int authority_issue(const struct authority *authority, gnutls_x509_crt_t certificate,
		    const char *node, uint64_t valid, gnutls_x509_crt_fmt_t format,
		    gnutls_datum_t *ret, struct err *err)
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

int authority_new(const char *folder, const char *name, struct authority *ret, struct err *err)
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
		code = set_times(ret->certificate, AUTHORITY_VALID);
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

/* It is numbered by how many revocations there have been. */
int authority_list(const struct authority *authority, gnutls_x509_crl_t list)
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
		code = gnutls_x509_crl_set_next_update(list, now + (time_t)AUTHORITY_VALID);
	if (code >= 0)
		code = gnutls_x509_crl_set_number(list, bytes, sizeof(bytes));
	if (code >= 0)
		code = gnutls_x509_crl_sign2(list, authority->certificate, authority->key,
					     GNUTLS_DIG_SHA512, 0);
	return code;
}
