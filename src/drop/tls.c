/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/tls.h"

#include <errno.h>

/* What stands for nothing: certificates name nodes, not hosts, and are checked after the handshake by identity_check_peer(). */
static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

int tls_open(gnutls_session_t *ret, gnutls_certificate_credentials_t credentials, int fd,
	     bool server, bool asks, struct err *err)
{
	gnutls_session_t session;
	int code =
		gnutls_init(&session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK |
					      GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);

	if (code < 0)
		return err_set(err, -ENOMEM, "TLS: %s", gnutls_strerror(code));
	code = gnutls_priority_set_direct(session, priority, NULL);
	if (code >= 0)
		code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (code < 0) {
		gnutls_deinit(session);
		return err_set(err, -EIO, "TLS: %s", gnutls_strerror(code));
	}
	if (server)
		gnutls_certificate_server_set_request(session, asks ? GNUTLS_CERT_REQUIRE
								    : GNUTLS_CERT_IGNORE);
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, 0);
	*ret = session;
	return 0;
}
