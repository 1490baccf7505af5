/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of TLS 1.3 and nothing older, by GnuTLS, as nodes use them: who the other end is, its certificate says alone. */
#pragma once

#include "base/err.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>

/* @asks: the other end, a client, has to show a certificate. @fd and @credentials are borrowed. */
int tls_open(gnutls_session_t *ret, gnutls_certificate_credentials_t credentials, int fd,
	     bool server, bool asks, struct err *err);
