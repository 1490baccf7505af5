/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/join.h"
#include "drop/tls.h"

#include "base/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define WAIT_MS 10000

static int wait_for(int fd, bool write)
{
	struct pollfd poll_fd = {.fd = fd, .events = write ? POLLOUT : POLLIN};

	return poll(&poll_fd, 1, WAIT_MS) == 1 ? 0 : -ETIMEDOUT;
}

/* 1: try again; 0: it worked; -EIO. */
static int went(gnutls_session_t session, int fd, ssize_t code, struct err *err)
{
	if (code >= 0)
		return 0;
	if (code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED) {
		if (wait_for(fd, gnutls_record_get_direction(session)) == 0)
			return 1;
		return err_set(err, -ETIMEDOUT, "the founder does not answer");
	}
	return gnutls_error_is_fatal((int)code)
		       ? err_set(err, -EIO, "the connection to the founder broke: %s",
				 gnutls_strerror((int)code))
		       : 1;
}

static int tls_all(gnutls_session_t session, int fd, void *data, size_t size, bool write,
		   struct err *err)
{
	uint8_t *at = data;

	while (size) {
		ssize_t done = write ? gnutls_record_send(session, at, size)
				     : gnutls_record_recv(session, at, size);
		int code = went(session, fd, done, err);

		if (code < 0)
			return code;
		if (code == 1)
			continue;
		if (done == 0)
			return err_set(err, -EIO, "the founder closed the connection");
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

static int exchange_headers(int fd, struct err *err)
{
	char header[6];

	if (send(fd, JOIN_HEADER, sizeof(header), MSG_NOSIGNAL) != sizeof(header))
		return err_set(err, -errno, "cannot send to the founder: %s", strerror(errno));
	for (size_t got = 0; got < sizeof(header);) {
		ssize_t more = wait_for(fd, false) == 0
				       ? recv(fd, header + got, sizeof(header) - got, 0)
				       : 0;

		if (more <= 0)
			return err_set(err, -ECONNRESET,
				       "it does not take invitations: is it the founder's node?");
		got += (size_t)more;
	}
	if (memcmp(header, JOIN_HEADER, sizeof(header)) != 0)
		return err_set(err, -EPROTO, "it does not take invitations");
	return 0;
}

static int check_authority(gnutls_session_t session, const struct crowd_token *token,
			   struct err *err)
{
	uint8_t print[CROWD_ID_SIZE];
	size_t size = sizeof(print);
	unsigned count = 0;
	const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);

	if (!shown || count == 0 ||
	    gnutls_fingerprint(GNUTLS_DIG_SHA256, &shown[0], print, &size) < 0 ||
	    memcmp(print, token->crowd, sizeof(print)) != 0)
		return err_set(err, -EKEYREJECTED,
			       "the other end is not the founder that this invitation is of");
	return 0;
}

static int make_request(gnutls_x509_privkey_t key, const char *node, gnutls_datum_t *ret,
			struct err *err)
{
	gnutls_x509_crq_t request;
	int code = gnutls_x509_crq_init(&request);

	if (code < 0)
		return identity_tls(code, err, "cannot make a request");
	code = gnutls_x509_crq_set_version(request, 1);
	if (code >= 0)
		code = gnutls_x509_crq_set_dn_by_oid(request, GNUTLS_OID_X520_COMMON_NAME, 0, node,
						     (unsigned)strlen(node));
	if (code >= 0)
		code = gnutls_x509_crq_set_key(request, key);
	if (code >= 0)
		code = gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA512, 0);
	if (code >= 0)
		code = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_DER, ret);
	gnutls_x509_crq_deinit(request);
	return identity_tls(code, err, "cannot make a request");
}

static int ask(gnutls_session_t session, int fd, const struct join_request *request,
	       struct bytes *ret, struct err *err)
{
	_cleanup_bytes_ struct bytes message = {0};
	uint8_t head[4];
	size_t size;
	int code;

	bytes_put_number(&message, 0, 4);
	join_put_request(&message, request);
	if (message.failed)
		return err_set(err, -ENOMEM, "out of memory");
	size = message.size - 4;
	for (unsigned i = 0; i < 4; i++)
		message.data[i] = (uint8_t)(size >> 8 * (3 - i));
	code = tls_all(session, fd, message.data, message.size, true, err);
	if (code == 0)
		code = tls_all(session, fd, head, sizeof(head), false, err);
	if (code < 0)
		return code;
	size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (size > JOIN_MESSAGE_MAX || !bytes_extend(ret, size))
		return err_set(err, -EMSGSIZE, "the founder's answer is too long");
	return tls_all(session, fd, ret->data, size, false, err);
}

static int save_der(const char *folder, const char *name, const char *kind, const uint8_t *der,
		    size_t size, struct err *err)
{
	gnutls_datum_t in = {(void *)der, (unsigned)size}, pem = {0};
	int code = gnutls_pem_base64_encode2(kind, &in, &pem);

	code = code < 0 ? identity_tls(code, err, name)
			: identity_write(folder, name, pem.data, pem.size, err);
	gnutls_free(pem.data);
	return code;
}

/* The node's own certificate is written last: then the identity is whole. */
static int save(const char *folder, const struct join_reply *reply, const struct crowd_token *token,
		struct err *err)
{
	gnutls_datum_t ca = {(void *)reply->ca, (unsigned)reply->ca_size};
	uint8_t print[CROWD_ID_SIZE];
	size_t size = sizeof(print);
	int code;

	if (gnutls_fingerprint(GNUTLS_DIG_SHA256, &ca, print, &size) < 0 ||
	    memcmp(print, token->crowd, sizeof(print)) != 0)
		return err_set(err, -EKEYREJECTED, "the founder's answer is of another crowd");
	code = save_der(folder, "ca.pem", "CERTIFICATE", reply->ca, reply->ca_size, err);
	if (code == 0 && reply->revoked_size)
		code = save_der(folder, "revoked.pem", "X509 CRL", reply->revoked,
				reply->revoked_size, err);
	if (code == 0)
		code = save_der(folder, "certificate.pem", "CERTIFICATE", reply->certificate,
				reply->certificate_size, err);
	return code;
}

static int join(gnutls_session_t session, int fd, const char *folder, const char *node,
		const struct crowd_token *token, struct err *err)
{
	struct join_request request = {0};
	struct join_reply reply;
	_cleanup_bytes_ struct bytes answer = {0};
	gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t der = {0};
	int code;

	do
		code = went(session, fd, gnutls_handshake(session), err);
	while (code == 1);
	if (code == 0)
		code = check_authority(session, token, err);
	if (code == 0)
		code = identity_folder(folder, err);
	if (code == 0)
		code = identity_new_key(folder, "key.pem", &key, err);
	if (code == 0)
		code = make_request(key, node, &der, err);
	if (code == 0) {
		memcpy(request.secret, token->secret, sizeof(request.secret));
		snprintf(request.node, sizeof(request.node), "%s", node);
		request.request = der.data;
		request.request_size = der.size;
		code = ask(session, fd, &request, &answer, err);
	}
	if (code == 0 && join_read_reply(answer.data, answer.size, &reply) < 0)
		code = err_set(err, -EBADMSG, "the founder's answer is none");
	else if (code == 0 && !reply.certificate)
		code = err_set(err, -EACCES, "the founder refuses: %s", reply.why);
	else if (code == 0)
		code = save(folder, &reply, token, err);
	gnutls_free(der.data);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return code;
}

int join_over(int fd, const char *folder, const char *node, const struct crowd_token *token,
	      struct err *err)
{
	gnutls_certificate_credentials_t none;
	gnutls_session_t session;
	char path[PATH_MAX];
	int code;

	if (!eid_is_name(node))
		return err_set(err, -EINVAL,
			       "'%s' cannot be a node's name: letters, digits, '-', '_', '.'",
			       node);
	snprintf(path, sizeof(path), "%s/certificate.pem", folder);
	if (access(path, F_OK) == 0)
		return err_set(err, -EEXIST, "this device is of a crowd already: '%s'", folder);
	code = exchange_headers(fd, err);
	if (code < 0)
		return code;
	code = identity_tls(gnutls_certificate_allocate_credentials(&none), err, "TLS");
	if (code < 0)
		return code;
	code = tls_open(&session, none, fd, false, false, err);
	if (code == 0) {
		code = join(session, fd, folder, node, token, err);
		if (code == 0)
			gnutls_bye(session, GNUTLS_SHUT_WR);
		gnutls_deinit(session);
	}
	gnutls_certificate_free_credentials(none);
	return code;
}
