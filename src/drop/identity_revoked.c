/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The authority's list of certificates that count no more. It goes from node to node; a list with a higher number takes the place
 * of the one before, in memory and on disk.
 */
#include "drop/identity.h"

#include <errno.h>

/* Lists are numbered, big-endian: RFC 5280, section 5.2.3. */
static uint64_t list_number(gnutls_x509_crl_t list)
{
	uint8_t bytes[20];
	size_t size = sizeof(bytes);
	unsigned critical;
	uint64_t number = 0;

	if (gnutls_x509_crl_get_number(list, bytes, &size, &critical) < 0 || size > 9)
		return 0;
	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

static int read_list(const struct identity *identity, const gnutls_datum_t *data,
		     gnutls_x509_crt_fmt_t format, gnutls_x509_crl_t *ret, struct err *err)
{
	gnutls_x509_crl_t list = NULL;
	unsigned status = 0;
	int code = gnutls_x509_crl_init(&list);

	if (code < 0)
		return identity_tls(code, err, "no memory for a list of revocations");
	if (gnutls_x509_crl_import(list, data, format) < 0 ||
	    gnutls_x509_crl_verify(list, &identity->ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS,
				   &status) < 0 ||
	    status) {
		gnutls_x509_crl_deinit(list);
		return err_set(err, -EBADMSG, "the list of revocations is not the crowd's");
	}
	*ret = list;
	return 0;
}

static int take_list(struct identity *identity, gnutls_x509_crl_t list)
{
	if (identity->revoked && list_number(list) <= list_number(identity->revoked)) {
		gnutls_x509_crl_deinit(list);
		return 0;
	}
	if (identity->revoked)
		gnutls_x509_crl_deinit(identity->revoked);
	identity->revoked = list;
	return 1;
}

int identity_take_revoked(struct identity *identity, const void *der, size_t size, struct err *err)
{
	gnutls_datum_t data = {(void *)der, (unsigned)size}, pem = {0};
	gnutls_x509_crl_t list = NULL;
	int code;

	if (size == 0)
		return 0;
	code = read_list(identity, &data, GNUTLS_X509_FMT_DER, &list, err);
	if (code < 0)
		return code;
	if (take_list(identity, list) == 0)
		return 0;
	if (gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM, &pem) < 0)
		return err_set(err, -ENOMEM, "no memory for a list of revocations");
	code = identity_write(identity->folder, "revoked.pem", pem.data, pem.size, err);
	gnutls_free(pem.data);
	return code < 0 ? code : 1;
}

bool identity_reload(struct identity *identity)
{
	gnutls_datum_t pem = {0};
	gnutls_x509_crl_t list = NULL;
	bool taken;

	if (identity_read(identity->folder, "revoked.pem", &pem, NULL) < 0)
		return false;
	taken = read_list(identity, &pem, GNUTLS_X509_FMT_PEM, &list, NULL) == 0 &&
		take_list(identity, list) == 1;
	gnutls_free(pem.data);
	return taken;
}

int identity_put_revoked(const struct identity *identity, struct bytes *to)
{
	gnutls_datum_t der;

	if (!identity->revoked)
		return 0;
	if (gnutls_x509_crl_export2(identity->revoked, GNUTLS_X509_FMT_DER, &der) < 0)
		return -EIO;
	bytes_put(to, der.data, der.size);
	gnutls_free(der.data);
	return to->failed ? -ENOMEM : 0;
}
