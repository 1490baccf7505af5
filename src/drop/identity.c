/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/identity.h"
#include "drop/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IA5_STRING 0x16

int identity_tls(int code, struct err *err, const char *what)
{
	if (code >= 0)
		return 0;
	return err_set(err, -EIO, "%s: %s", what, gnutls_strerror(code));
}

int identity_put_name(struct bytes *to, const char *node)
{
	struct eid eid = eid_make(node, "");
	size_t size = strlen(eid.text);

	/* Names are short enough for a length in one byte. */
	bytes_put_number(to, IA5_STRING, 1);
	bytes_put_number(to, size, 1);
	bytes_put(to, eid.text, size);
	return to->failed ? -ENOMEM : 0;
}

int identity_folder(const char *folder, struct err *err)
{
	int code = files_make_folder(folder);

	return code < 0 ? err_set(err, code, "cannot make the folder '%s': %s", folder,
				  strerror(-code))
			: 0;
}

int identity_write(const char *folder, const char *name, const void *data, size_t size,
		   struct err *err)
{
	int code = files_write(folder, name, data, size);

	return code < 0 ? err_set(err, code, "cannot write '%s/%s': %s", folder, name,
				  strerror(-code))
			: 0;
}

int identity_read(const char *folder, const char *name, gnutls_datum_t *ret, struct err *err)
{
	char path[PATH_MAX];
	int code;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long", folder);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return -ENOENT;
	code = gnutls_load_file(path, ret);
	return code < 0 ? err_set(err, -EACCES, "cannot read '%s': %s", path, gnutls_strerror(code))
			: 0;
}

int identity_new_key(const char *folder, const char *name, gnutls_x509_privkey_t *ret,
		     struct err *err)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem = {0};
	int code = gnutls_x509_privkey_init(&key);

	if (code < 0)
		return identity_tls(code, err, "cannot make a key");
	code = gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 0, 0);
	if (code >= 0)
		code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
							 GNUTLS_PKCS_PLAIN, &pem);
	code = code < 0 ? identity_tls(code, err, "cannot make a key")
			: identity_write(folder, name, pem.data, pem.size, err);
	if (pem.data)
		gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	if (code < 0)
		gnutls_x509_privkey_deinit(key);
	else
		*ret = key;
	return code;
}

/* The node ID of a certificate, "" if it has none. */
static void node_id(gnutls_x509_crt_t certificate, struct eid *ret)
{
	*ret = (struct eid){0};
	for (unsigned i = 0;; i++) {
		char oid[64];
		uint8_t der[EID_MAX + 2] = {0};
		size_t oid_size = sizeof(oid), size = sizeof(der);
		unsigned type;
		int code = gnutls_x509_crt_get_subject_alt_name2(certificate, i, der, &size, &type,
								 NULL);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return;
		if (code != GNUTLS_SAN_OTHERNAME ||
		    gnutls_x509_crt_get_subject_alt_othername_oid(certificate, i, oid, &oid_size) <
			    0 ||
		    strcmp(oid, BUNDLE_EID_OID) != 0 || size < 2 || der[0] != IA5_STRING ||
		    der[1] != size - 2 || size - 2 >= EID_MAX || memchr(der + 2, 0, size - 2))
			continue;
		memcpy(ret->text, der + 2, size - 2);
		ret->text[size - 2] = '\0';
		return;
	}
}

/* Of "dtn://NODE/" alone. */
static bool node_name(gnutls_x509_crt_t certificate, char ret[static NODE_MAX])
{
	struct eid eid, parsed;

	node_id(certificate, &eid);
	return eid_parse(eid.text, &parsed) == 0 && eid_node(&parsed, ret) && eid_is_name(ret) &&
	       eid_service(&parsed)[0] == '\0';
}

static int judge(const struct identity *identity, gnutls_x509_crt_t certificate,
		 char ret_node[static NODE_MAX], struct err *err)
{
	time_t now = time(NULL);
	unsigned status = 0;
	char name[NODE_MAX];
	bool named = node_name(certificate, name);
	const char *who = named ? name : "without a node ID";

	if (gnutls_x509_crt_verify(certificate, &identity->ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS,
				   &status) < 0 ||
	    status)
		return err_set(err, -EKEYREJECTED, "the certificate of '%s' is not of this crowd",
			       who);
	if (!named)
		return err_set(err, -EKEYREJECTED, "its certificate has no node ID");
	if (identity->revoked &&
	    gnutls_x509_crt_check_revocation(certificate, &identity->revoked, 1) != 0)
		return err_set(err, -EKEYREVOKED, "the certificate of '%s' is revoked", who);
	if (now > gnutls_x509_crt_get_expiration_time(certificate))
		return err_set(err, -EKEYEXPIRED, "the certificate of '%s' is expired", who);
	if (now < gnutls_x509_crt_get_activation_time(certificate))
		return err_set(err, -EKEYEXPIRED, "the certificate of '%s' is not valid yet", who);
	snprintf(ret_node, NODE_MAX, "%s", name);
	return 0;
}

int identity_check(const struct identity *identity, const void *der, size_t size,
		   char ret_node[static NODE_MAX], gnutls_x509_crt_t *ret, struct err *err)
{
	gnutls_datum_t datum = {(void *)der, (unsigned)size};
	gnutls_x509_crt_t certificate;
	int code = gnutls_x509_crt_init(&certificate);

	if (code < 0)
		return identity_tls(code, err, "no memory for a certificate");
	if (gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_DER) < 0)
		code = err_set(err, -EKEYREJECTED, "what it shows is no certificate");
	else
		code = judge(identity, certificate, ret_node, err);
	if (code < 0 || !ret)
		gnutls_x509_crt_deinit(certificate);
	else
		*ret = certificate;
	return code;
}

int identity_check_peer(const struct identity *identity, gnutls_session_t session,
			char ret_node[static NODE_MAX], struct err *err)
{
	unsigned count = 0;
	const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);

	if (!shown || count == 0)
		return err_set(err, -ENOKEY, "it shows no certificate");
	return identity_check(identity, shown[0].data, shown[0].size, ret_node, NULL, err);
}

int identity_put_certificate(const struct identity *identity, struct bytes *to)
{
	gnutls_datum_t der;

	if (gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_DER, &der) < 0)
		return -EIO;
	bytes_put(to, der.data, der.size);
	gnutls_free(der.data);
	return to->failed ? -ENOMEM : 0;
}

int identity_sign(const struct identity *identity, const void *data, size_t size,
		  uint8_t ret[static SIGNATURE_SIZE])
{
	gnutls_datum_t text = {(void *)data, (unsigned)size}, signature = {0};
	gnutls_privkey_t key;
	int code = gnutls_privkey_init(&key);

	if (code < 0)
		return -ENOMEM;
	code = gnutls_privkey_import_x509(key, identity->key, 0);
	if (code >= 0)
		code = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &text,
						 &signature);
	gnutls_privkey_deinit(key);
	if (code < 0 || signature.size != SIGNATURE_SIZE)
		code = -EIO;
	else
		memcpy(ret, signature.data, SIGNATURE_SIZE);
	gnutls_free(signature.data);
	return code < 0 ? code : 0;
}

bool identity_verify(gnutls_x509_crt_t certificate, const void *data, size_t size,
		     const uint8_t signature[static SIGNATURE_SIZE])
{
	gnutls_datum_t text = {(void *)data, (unsigned)size},
		       sign = {(void *)signature, SIGNATURE_SIZE};
	gnutls_pubkey_t key;
	int code = gnutls_pubkey_init(&key);

	if (code < 0)
		return false;
	code = gnutls_pubkey_import_x509(key, certificate, 0);
	if (code >= 0)
		code = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &sign);
	gnutls_pubkey_deinit(key);
	return code >= 0;
}

void identity_close(struct identity *identity)
{
	if (!identity)
		return;
	if (identity->credentials)
		gnutls_certificate_free_credentials(identity->credentials);
	if (identity->admitting)
		gnutls_certificate_free_credentials(identity->admitting);
	if (identity->revoked)
		gnutls_x509_crl_deinit(identity->revoked);
	if (identity->certificate)
		gnutls_x509_crt_deinit(identity->certificate);
	if (identity->ca)
		gnutls_x509_crt_deinit(identity->ca);
	if (identity->key)
		gnutls_x509_privkey_deinit(identity->key);
	free(identity);
}

static int load_certificate(const struct identity *identity, const char *name,
			    gnutls_x509_crt_t *ret, struct err *err)
{
	gnutls_datum_t pem = {0};
	int code = identity_read(identity->folder, name, &pem, err);

	if (code == -ENOENT)
		return err_set(err, code,
			       "this device is of no crowd yet ('%s' has no %s): rivulet crowd "
			       "new, or rivulet crowd join",
			       identity->folder, name);
	if (code < 0)
		return code;
	code = gnutls_x509_crt_init(ret);
	if (code >= 0)
		code = gnutls_x509_crt_import(*ret, &pem, GNUTLS_X509_FMT_PEM);
	gnutls_free(pem.data);
	return identity_tls(code, err, name);
}

static int load_key(struct identity *identity, struct err *err)
{
	gnutls_datum_t pem = {0};
	int code = identity_read(identity->folder, "key.pem", &pem, err);

	if (code == -ENOENT)
		return err_set(err, code, "'%s' has no key.pem", identity->folder);
	if (code < 0)
		return code;
	code = gnutls_x509_privkey_init(&identity->key);
	if (code >= 0)
		code = gnutls_x509_privkey_import(identity->key, &pem, GNUTLS_X509_FMT_PEM);
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return identity_tls(code, err, "key.pem");
}

static int load_authority(struct identity *identity, struct err *err)
{
	char certificate[PATH_MAX], key[PATH_MAX];
	int code;

	snprintf(key, sizeof(key), "%s/ca-key.pem", identity->folder);
	snprintf(certificate, sizeof(certificate), "%s/ca.pem", identity->folder);
	identity->founder = access(key, R_OK) == 0;
	if (!identity->founder)
		return 0;
	code = gnutls_certificate_allocate_credentials(&identity->admitting);
	if (code >= 0)
		code = gnutls_certificate_set_x509_key_file(identity->admitting, certificate, key,
							    GNUTLS_X509_FMT_PEM);
	return identity_tls(code, err, "the crowd's authority");
}

static int load(struct identity *identity, struct err *err)
{
	size_t size = sizeof(identity->crowd), name_size = sizeof(identity->crowd_name);
	int code = load_certificate(identity, "ca.pem", &identity->ca, err);

	if (code == 0)
		code = load_certificate(identity, "certificate.pem", &identity->certificate, err);
	if (code == 0)
		code = load_key(identity, err);
	if (code < 0)
		return code;
	if (!node_name(identity->certificate, identity->node))
		return err_set(err, -EINVAL, "the certificate in '%s' has no node ID",
			       identity->folder);
	identity->eid = eid_make(identity->node, "");
	code = identity_tls(gnutls_x509_crt_get_fingerprint(identity->ca, GNUTLS_DIG_SHA256,
							    identity->crowd, &size),
			    err, "ca.pem");
	if (code < 0)
		return code;
	gnutls_x509_crt_get_dn_by_oid(identity->ca, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
				      identity->crowd_name, &name_size);
	code = gnutls_certificate_allocate_credentials(&identity->credentials);
	if (code >= 0)
		code = gnutls_certificate_set_x509_key(identity->credentials,
						       &identity->certificate, 1, identity->key);
	if (code < 0)
		return identity_tls(code, err, "the node's key and certificate");
	identity_reload(identity);
	return load_authority(identity, err);
}

int identity_open(const char *folder, struct identity **ret, struct err *err)
{
	struct identity *identity = calloc(1, sizeof(*identity));
	int code;

	if (!identity)
		return err_set(err, -ENOMEM, "out of memory");
	if (strlen(folder) + NAME_MAX >= sizeof(identity->folder)) {
		free(identity);
		return err_set(err, -ENAMETOOLONG, "'%s' is too long", folder);
	}
	snprintf(identity->folder, sizeof(identity->folder), "%s", folder);
	code = load(identity, err);
	if (code < 0)
		identity_close(identity);
	else
		*ret = identity;
	return code;
}
