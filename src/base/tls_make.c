/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and certificates that nobody else has signed: their owners tell each other which key it is. */
#include "base/cleanup.h"
#include "base/tls.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#define YEARS (10LL * 365 * 24 * 3600)

struct made {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
};

static void unmake(struct made *made)
{
	if (made->certificate)
		gnutls_x509_crt_deinit(made->certificate);
	if (made->key)
		gnutls_x509_privkey_deinit(made->key);
}

static void unload(gnutls_datum_t *text)
{
	gnutls_free(text->data);
}

static int make(struct made *made, const char *name)
{
	const char *use = GNUTLS_KP_TLS_WWW_SERVER;
	uint8_t serial[16] = {0};
	time_t now = time(NULL);
	int code = gnutls_x509_privkey_init(&made->key);

	if (code == 0)
		code = gnutls_x509_privkey_generate(
			made->key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (code == 0)
		code = gnutls_x509_crt_init(&made->certificate);
	if (code == 0)
		code = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	if (code < 0)
		return code;
	serial[0] &= 0x7f; /* positive: RFC 5280, section 4.1.2.2 */
	gnutls_x509_crt_set_version(made->certificate, 3);
	gnutls_x509_crt_set_serial(made->certificate, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(made->certificate, now - 24 * 3600);
	gnutls_x509_crt_set_expiration_time(made->certificate, (time_t)(now + YEARS));
	gnutls_x509_crt_set_dn_by_oid(made->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned)strlen(name));
	gnutls_x509_crt_set_subject_alt_name(made->certificate, GNUTLS_SAN_DNSNAME, name,
					     (unsigned)strlen(name), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_key_purpose_oid(made->certificate, use, 0);
	gnutls_x509_crt_set_key_usage(made->certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
	code = gnutls_x509_crt_set_key(made->certificate, made->key);
	return code < 0 ? code
			: gnutls_x509_crt_sign2(made->certificate, made->certificate, made->key,
						GNUTLS_DIG_SHA256, 0);
}

static int store(const char *path, mode_t mode, const gnutls_datum_t *text, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return err_set(err, -errno, "cannot make %s: %s", path, strerror(errno));
	if (write(fd, text->data, text->size) != (ssize_t)text->size || fsync(fd) < 0) {
		int code = errno ? -errno : -EIO;

		unlink(path);
		return err_set(err, code, "cannot write %s: %s", path, strerror(-code));
	}
	return 0;
}

int tls_make(const char *certificate, const char *key, const char *name,
	     uint8_t ret_id[static TLS_KEY_ID_SIZE], struct err *err)
{
	_cleanup_(unmake) struct made made = {0};
	_cleanup_(unload) gnutls_datum_t key_text = {0};
	_cleanup_(unload) gnutls_datum_t certificate_text = {0};
	size_t size = TLS_KEY_ID_SIZE;
	int code = make(&made, name);

	if (code == 0)
		code = gnutls_x509_crt_get_key_id(made.certificate, GNUTLS_KEYID_USE_SHA256, ret_id,
						  &size);
	if (code == 0)
		code = gnutls_x509_privkey_export2(made.key, GNUTLS_X509_FMT_PEM, &key_text);
	if (code == 0)
		code = gnutls_x509_crt_export2(made.certificate, GNUTLS_X509_FMT_PEM,
					       &certificate_text);
	if (code < 0)
		return err_set(err, -EINVAL, "cannot make a certificate for '%s': %s", name,
			       gnutls_strerror(code));
	code = store(key, 0600, &key_text, err);
	if (code < 0)
		return code;
	code = store(certificate, 0644, &certificate_text, err);
	if (code < 0)
		unlink(key);
	return code;
}

int tls_file_key(const char *path, uint8_t ret[static TLS_KEY_ID_SIZE], struct err *err)
{
	_cleanup_(unload) gnutls_datum_t text = {0};
	gnutls_x509_crt_t certificate;
	size_t size = TLS_KEY_ID_SIZE;
	int code = gnutls_load_file(path, &text);

	if (code == 0)
		code = gnutls_x509_crt_init(&certificate);
	if (code == 0) {
		code = gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM);
		if (code == 0)
			code = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, ret,
							  &size);
		gnutls_x509_crt_deinit(certificate);
	}
	return code < 0 ? err_set(err, -EINVAL, "%s: %s", path, gnutls_strerror(code)) : 0;
}
