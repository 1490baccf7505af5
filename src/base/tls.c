/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/tls.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3"

struct tls_keys {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	bool serves, asks;
	unsigned users; /* sessions, and whoever opened them until he closes them */
};

struct tls {
	gnutls_session_t session;
	struct tls_keys *keys;
	bool pinned;
	bool agreed; /* the handshake is over */
	bool unsent; /* a record that was taken is still within */
	uint8_t pin[TLS_KEY_ID_SIZE];
};

static int fail(struct err *err, int code, const char *what)
{
	return err_set(err, code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL, "%s: %s", what,
		       gnutls_strerror(code));
}

void tls_keys_close(struct tls_keys *keys)
{
	if (!keys || --keys->users > 0)
		return;
	if (keys->credentials)
		gnutls_certificate_free_credentials(keys->credentials);
	if (keys->priorities)
		gnutls_priority_deinit(keys->priorities);
	free(keys);
}

static int load(struct tls_keys *keys, const struct tls_setup *setup, struct err *err)
{
	int code = gnutls_priority_init2(&keys->priorities, PRIORITIES, NULL, 0);

	if (code == 0)
		code = gnutls_certificate_allocate_credentials(&keys->credentials);
	if (code < 0)
		return fail(err, code, "TLS cannot be set up");
	if (setup->certificate) {
		code = gnutls_certificate_set_x509_key_file(keys->credentials, setup->certificate,
							    setup->key, GNUTLS_X509_FMT_PEM);
		if (code < 0)
			return fail(err, code, setup->certificate);
	}
	if (setup->authorities)
		code = gnutls_certificate_set_x509_trust_file(keys->credentials, setup->authorities,
							      GNUTLS_X509_FMT_PEM);
	else if (!setup->serves)
		gnutls_certificate_set_x509_system_trust(keys->credentials);
	return setup->authorities && code <= 0
		       ? err_set(err, -EINVAL, "%s: no certificate in it", setup->authorities)
		       : 0;
}

int tls_keys_open(struct tls_keys **ret, const struct tls_setup *setup, struct err *err)
{
	struct tls_keys *keys = calloc(1, sizeof(*keys));
	int code;

	if (!keys)
		return err_set(err, -ENOMEM, "out of memory");
	keys->users = 1;
	keys->serves = setup->serves;
	keys->asks = setup->asks;
	code = load(keys, setup, err);
	if (code < 0)
		tls_keys_close(keys);
	else
		*ret = keys;
	return code;
}

int tls_begin(struct tls **ret, struct tls_keys *keys, int fd, const char *name, const uint8_t *pin)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	uint8_t address[16]; /* which RFC 6066, section 3, does not take for a name */
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
			 (keys->serves ? GNUTLS_SERVER | GNUTLS_NO_TICKETS : GNUTLS_CLIENT);

	if (!tls)
		return -ENOMEM;
	if (gnutls_init(&tls->session, flags) < 0) {
		free(tls);
		return -ENOMEM;
	}
	tls->keys = keys;
	keys->users++;
	if (pin) {
		tls->pinned = true;
		memcpy(tls->pin, pin, TLS_KEY_ID_SIZE);
	}
	gnutls_transport_set_int(tls->session, fd);
	if (gnutls_priority_set(tls->session, keys->priorities) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, keys->credentials) < 0) {
		tls_close(tls);
		return -ENOMEM;
	}
	gnutls_handshake_set_timeout(tls->session, GNUTLS_INDEFINITE_TIMEOUT);
	if (keys->asks)
		gnutls_certificate_server_set_request(tls->session, GNUTLS_CERT_REQUEST);
	if (name && inet_pton(AF_INET, name, address) != 1 &&
	    inet_pton(AF_INET6, name, address) != 1)
		gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, name, strlen(name));
	if (name && !pin)
		gnutls_session_set_verify_cert(tls->session, name, 0);
	*ret = tls;
	return 0;
}

void tls_close(struct tls *tls)
{
	if (!tls)
		return;
	gnutls_deinit(tls->session);
	tls_keys_close(tls->keys);
	free(tls);
}

static int key_of(const gnutls_datum_t *der, uint8_t ret[static TLS_KEY_ID_SIZE],
		  gnutls_x509_crt_fmt_t format)
{
	size_t size = TLS_KEY_ID_SIZE;
	gnutls_x509_crt_t certificate;
	int code = gnutls_x509_crt_init(&certificate);

	if (code < 0)
		return code;
	code = gnutls_x509_crt_import(certificate, der, format);
	if (code == 0)
		code = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, ret, &size);
	gnutls_x509_crt_deinit(certificate);
	return code;
}

int tls_peer_key(const struct tls *tls, uint8_t ret[static TLS_KEY_ID_SIZE])
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls->session, &count);

	if (!chain || count == 0)
		return -ENOENT;
	return key_of(&chain[0], ret, GNUTLS_X509_FMT_DER) < 0 ? -ENOENT : 0;
}

static int check_pin(const struct tls *tls, struct err *err)
{
	uint8_t key[TLS_KEY_ID_SIZE];

	if (!tls->pinned)
		return 0;
	if (tls_peer_key(tls, key) < 0 || memcmp(key, tls->pin, sizeof(key)) != 0)
		return err_set(err, -EACCES,
			       "the peer has another key than the one that was named: it is "
			       "somebody else, or was set up anew");
	return 0;
}

int tls_shake(struct tls *tls, struct err *err)
{
	int code;

	do
		code = gnutls_handshake(tls->session);
	while (code == GNUTLS_E_INTERRUPTED || code == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (code == GNUTLS_E_AGAIN)
		return -EAGAIN;
	tls->agreed = code == 0;
	if (code == 0)
		return check_pin(tls, err);
	if (code == GNUTLS_E_PREMATURE_TERMINATION || code == GNUTLS_E_PULL_ERROR ||
	    code == GNUTLS_E_PUSH_ERROR)
		return err_set(err, -ECONNRESET, "the peer has gone before TLS was agreed on");
	if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		return err_set(err, -EACCES,
			       "nobody who is trusted here has signed the peer's certificate for "
			       "its name");
	return err_set(err, -EPROTO, "TLS: %s", gnutls_strerror(code));
}

static int error_of(ssize_t code)
{
	switch (code) {
	case GNUTLS_E_AGAIN:
	case GNUTLS_E_INTERRUPTED:
		return -EAGAIN;
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_SESSION_EOF:
		return -ECONNRESET;
	case GNUTLS_E_PUSH_ERROR:
		return -EPIPE;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

ssize_t tls_read(struct tls *tls, void *ret, size_t size)
{
	ssize_t got = gnutls_record_recv(tls->session, ret, size);

	return got < 0 ? error_of(got) : got;
}

int tls_flush(struct tls *tls)
{
	ssize_t done;

	if (!tls->unsent)
		return 0;
	done = gnutls_record_send(tls->session, NULL, 0);
	if (done < 0)
		return error_of(done);
	tls->unsent = false;
	return 0;
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t size)
{
	ssize_t done = tls_flush(tls);

	if (done < 0)
		return done;
	if (size > TLS_RECORD_MAX)
		size = TLS_RECORD_MAX;
	done = gnutls_record_send(tls->session, bytes, size);
	if (done >= 0)
		return done;
	if (error_of(done) != -EAGAIN)
		return error_of(done);
	tls->unsent = true;
	return (ssize_t)size;
}

int tls_end(struct tls *tls)
{
	int code = tls_flush(tls);

	if (code < 0)
		return code;
	code = gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	return code < 0 ? error_of(code) : 0;
}

bool tls_has_bytes(const struct tls *tls)
{
	return gnutls_record_check_pending(tls->session) > 0;
}

bool tls_wants_write(const struct tls *tls)
{
	return tls->agreed ? tls->unsent : gnutls_record_get_direction(tls->session) == 1;
}
