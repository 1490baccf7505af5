/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/contact.h"
#include "drop/join.h"
#include "drop/tls.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HANDSHAKE_WAIT (10 * NS_PER_S) /* from the connection to the session's first message */
#define RECORD         16384u
#define TURN           (1u << 20) /* bytes that are read before others have their turn */

static void polled(uv_poll_t *poll, int status, int events);
static void due(uv_timer_t *timer);

static void freed(uv_handle_t *handle)
{
	struct contact *contact = handle->data;

	if (--contact->handles)
		return;
	close_fd(contact->fd);
	free(contact);
}

void contact_close(struct contact *contact, const char *why)
{
	if (contact->phase == CONTACT_OVER)
		return;
	contact->phase = CONTACT_OVER;
	contact->owner->closed(contact, why);
	if (contact->tls) {
		gnutls_bye(contact->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(contact->tls);
	}
	tcpcl_free(contact->session);
	contact->tls = NULL;
	contact->session = NULL;
	bytes_free(&contact->in);
	bytes_free(&contact->out);
	shutdown(contact->fd, SHUT_RDWR);
	uv_close((uv_handle_t *)&contact->poll, freed);
	uv_close((uv_handle_t *)&contact->timer, freed);
}

static bool on_met(void *data, const struct tcpcl_hello *hello)
{
	struct contact *contact = data;
	struct eid eid = eid_make(contact->peer, "");

	return strcmp(hello->node, eid.text) == 0; /* as RFC 9174, section 4.4.4.3, wants it */
}

static int on_begins(void *data, const uint8_t *bytes, size_t size)
{
	struct contact *contact = data;

	return contact->owner->begins(contact, bytes, size);
}

static void on_arrived(void *data, uint64_t id, struct bytes *bytes, uint64_t left_out)
{
	struct contact *contact = data;

	contact->owner->arrived(contact, id, bytes, left_out);
}

static void on_settled(void *data, uint64_t cookie, int refusal)
{
	struct contact *contact = data;

	contact->owner->settled(contact, cookie, refusal);
}

static const struct tcpcl_owner session_owner = {on_met, on_begins, on_arrived, on_settled};

static void count(struct contact *contact, size_t size, uint64_t *total)
{
	uint64_t now = clock_now();

	*total += size;
	if (now - contact->second_began >= NS_PER_S) {
		if (now - contact->second_began < 2 * NS_PER_S)
			contact->rate =
				contact->second_bytes * NS_PER_S / (now - contact->second_began);
		contact->second_began = now;
		contact->second_bytes = 0;
	}
	contact->second_bytes += size;
}

/* Of one that we dialled. Before our side of the handshake is done, so that whoever was reached in place of the node that was
 * wanted takes this for no contact with us. */
static int check_wanted(gnutls_session_t tls)
{
	struct contact *contact = gnutls_session_get_ptr(tls);
	char peer[NODE_MAX];

	if (identity_check_peer(contact->identity, tls, peer, &contact->unwanted) < 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	if (strcmp(peer, contact->wanted) == 0)
		return 0;
	err_set(&contact->unwanted, -EKEYREJECTED, "it is '%s', and not '%s'", peer,
		contact->wanted);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* 0: wait; 1: go on; -1: it is over. */
static int exchange_headers(struct contact *contact)
{
	uint8_t ours[TCPCL_HEADER_SIZE];
	ssize_t size;

	while (contact->header_got < TCPCL_HEADER_SIZE &&
	       (!contact->dialled || contact->header_sent == TCPCL_HEADER_SIZE)) {
		size = recv(contact->fd, contact->header + contact->header_got,
			    TCPCL_HEADER_SIZE - contact->header_got, 0);
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (size <= 0) {
			contact_close(contact, size < 0 ? strerror(errno) : "it hung up");
			return -1;
		}
		contact->header_got += (unsigned)size;
	}
	contact->joining = !contact->dialled && contact->identity->founder &&
			   memcmp(contact->header, JOIN_HEADER, TCPCL_HEADER_SIZE) == 0;
	if (contact->header_got == TCPCL_HEADER_SIZE && !contact->joining &&
	    tcpcl_header_check(contact->header) < 0) {
		contact_close(contact, "it does not speak TCPCL version 4 with TLS");
		return -1;
	}
	tcpcl_header(ours);
	if (contact->joining)
		memcpy(ours, JOIN_HEADER, TCPCL_HEADER_SIZE);
	if (contact->header_sent < TCPCL_HEADER_SIZE) {
		/* A new connection has room for six bytes. */
		if (send(contact->fd, ours, TCPCL_HEADER_SIZE, MSG_NOSIGNAL) != TCPCL_HEADER_SIZE) {
			contact_close(contact, strerror(errno));
			return -1;
		}
		contact->header_sent = TCPCL_HEADER_SIZE;
		return 1;
	}
	contact->phase = CONTACT_TLS;
	return 1;
}

static int begin_session(struct contact *contact)
{
	struct err err;

	if (identity_check_peer(contact->identity, contact->tls, contact->peer, &err) < 0) {
		contact->peer[0] = '\0';
		contact_close(contact, err.text);
		return -1;
	}
	contact->self = (struct tcpcl_hello){
		.keepalive = 15, .segment = TCPCL_SEGMENT, .transfer = TCPCL_TRANSFER};
	memcpy(contact->self.node, contact->identity->eid.text, sizeof(contact->self.node));
	if (!contact->owner->met(contact, &contact->self)) {
		contact_close(contact, "not wanted");
		return -1;
	}
	contact->session = tcpcl_new(&contact->self, &session_owner, contact, clock_now());
	if (!contact->session) {
		contact_close(contact, "out of memory");
		return -1;
	}
	contact->phase = CONTACT_SESSION;
	return 1;
}

static int shake_hands(struct contact *contact)
{
	struct err err;
	int code;

	if (!contact->tls &&
	    tls_open(&contact->tls,
		     contact->joining ? contact->identity->admitting
				      : contact->identity->credentials,
		     contact->fd, !contact->dialled, !contact->joining, &err) < 0) {
		contact_close(contact, err.text);
		return -1;
	}
	if (contact->dialled) {
		gnutls_session_set_ptr(contact->tls, contact);
		gnutls_session_set_verify_function(contact->tls, check_wanted);
	}
	code = gnutls_handshake(contact->tls);
	if (code < 0 && !gnutls_error_is_fatal(code))
		return 0;
	if (code < 0) {
		contact_close(contact, contact->unwanted.text[0] ? contact->unwanted.text
								 : gnutls_strerror(code));
		return -1;
	}
	if (contact->joining) {
		contact->phase = CONTACT_JOIN;
		return 1;
	}
	return begin_session(contact);
}

/* Sends @out. False: not all of it goes now, or it is over. */
static bool flush(struct contact *contact, struct bytes *out)
{
	size_t at = 0;

	while (at < out->size) {
		size_t size = contact->sending ? contact->sending : out->size - at;
		ssize_t sent;

		if (size > RECORD)
			size = RECORD;
		sent = gnutls_record_send(contact->tls, out->data + at, size);
		contact->sending = 0;
		if (sent < 0 && !gnutls_error_is_fatal((int)sent)) {
			contact->sending =
				size; /* GnuTLS has it, and wants to be told the same again */
			break;
		}
		if (sent < 0) {
			contact_close(contact, gnutls_strerror((int)sent));
			return false;
		}
		count(contact, (size_t)sent, &contact->sent);
		at += (size_t)sent;
	}
	bytes_drop(out, at);
	return out->size == 0;
}

void contact_end(struct contact *contact, const char *why)
{
	uint64_t now = clock_now();

	if (contact->phase == CONTACT_SESSION && contact->told_open) {
		tcpcl_end(contact->session, TERM_UNKNOWN, now);
		flush(contact, tcpcl_output(contact->session, now));
	}
	contact_close(contact, why);
}

/* The connection is over. Where the other end had said that it ends the session, that is why. */
static void close_ended(struct contact *contact, const char *why)
{
	const char *said = contact->session ? tcpcl_why(contact->session) : "";

	contact_close(contact, said[0] ? said : why);
}

/* What arrived, or -1: nothing now, or it is over. 0: the end. */
static ssize_t receive(struct contact *contact, void *to, size_t room)
{
	ssize_t got = gnutls_record_recv(contact->tls, to, room);

	if (got < 0 && !gnutls_error_is_fatal((int)got))
		return -1;
	if (got < 0) {
		close_ended(contact, gnutls_strerror((int)got));
		return -1;
	}
	count(contact, (size_t)got, &contact->received);
	contact->last_received = clock_now();
	return got;
}

static int join(struct contact *contact)
{
	uint8_t bytes[4096];
	uint32_t size = 0;

	while (contact->out.size == 0) {
		ssize_t got = receive(contact, bytes, sizeof(bytes));

		if (got < 0)
			return contact->phase == CONTACT_OVER ? -1 : 0;
		bytes_put(&contact->in, bytes, (size_t)got);
		for (unsigned i = 0; i < 4 && contact->in.size >= 4; i++)
			size = size << 8 | contact->in.data[i];
		if (got == 0 || contact->in.failed || size > JOIN_MESSAGE_MAX ||
		    contact->in.size > 4 + JOIN_MESSAGE_MAX) {
			contact_close(contact, "it asks for nothing that could be understood");
			return -1;
		}
		if (contact->in.size < 4 || contact->in.size - 4 < size) {
			size = 0;
			continue;
		}
		bytes_put_number(&contact->out, 0, 4);
		contact->owner->asked_to_join(contact, contact->in.data + 4, size, &contact->out);
		if (contact->out.failed) {
			contact_close(contact, "out of memory");
			return -1;
		}
		size = (uint32_t)contact->out.size - 4;
		for (unsigned i = 0; i < 4; i++)
			contact->out.data[i] = (uint8_t)(size >> 8 * (3 - i));
	}
	if (flush(contact, &contact->out))
		contact_close(contact, "");
	return contact->phase == CONTACT_OVER ? -1 : 0;
}

/* True: there may be more. */
static bool read_session(struct contact *contact)
{
	static uint8_t bytes[RECORD];
	size_t total = 0;

	while (total < TURN && tcpcl_listens(contact->session)) {
		ssize_t got = receive(contact, bytes, sizeof(bytes));

		if (got < 0)
			return false;
		if (got == 0) {
			close_ended(contact, "the other end closed the connection");
			return false;
		}
		tcpcl_receive(contact->session, bytes, (size_t)got, clock_now());
		total += (size_t)got;
		if (tcpcl_state(contact->session) == TCPCL_ENDED)
			return false;
	}
	return total >= TURN;
}

static void run_session(struct contact *contact, bool read)
{
	bool more = read && read_session(contact), all = true;
	uint64_t now = clock_now(), next;
	struct bytes *out;

	if (contact->phase == CONTACT_OVER)
		return;
	if (!contact->told_open && tcpcl_state(contact->session) == TCPCL_OPEN) {
		contact->told_open = true;
		contact->owner->opened(contact);
	}
	do {
		while (tcpcl_ready(contact->session) && contact->owner->next(contact))
			;
		out = tcpcl_output(contact->session, now);
		if (out->size == 0)
			break;
		all = flush(contact, out);
	} while (all);
	if (contact->phase == CONTACT_OVER)
		return;
	if (tcpcl_state(contact->session) == TCPCL_ENDED) {
		contact_close(contact, tcpcl_why(contact->session));
		return;
	}
	next = tcpcl_tick(contact->session, now);
	/* What GnuTLS has read already does not wake us. */
	if (more ||
	    (tcpcl_listens(contact->session) && gnutls_record_check_pending(contact->tls)) ||
	    (next != UINT64_MAX && tcpcl_output(contact->session, now)->size && all))
		next = now;
	if (next == UINT64_MAX)
		uv_timer_stop(&contact->timer);
	else
		uv_timer_start(&contact->timer, due, next > now ? (next - now) / NS_PER_MS + 1 : 0,
			       0);
	uv_poll_start(&contact->poll,
		      (tcpcl_listens(contact->session) ? UV_READABLE : 0) | (all ? 0 : UV_WRITABLE),
		      polled);
}

static void step(struct contact *contact)
{
	int more = 1;

	while (more > 0 && contact->phase < CONTACT_SESSION)
		more = contact->phase == CONTACT_HEADER ? exchange_headers(contact)
		       : contact->phase == CONTACT_TLS  ? shake_hands(contact)
							: join(contact);
	if (contact->phase == CONTACT_SESSION) {
		run_session(contact, true);
	} else if (contact->phase != CONTACT_OVER) {
		bool write = contact->tls && gnutls_record_get_direction(contact->tls);

		uv_poll_start(&contact->poll, write ? UV_WRITABLE : UV_READABLE, polled);
	}
}

static void polled(uv_poll_t *poll, int status, int events)
{
	step(poll->data);
}

static void due(uv_timer_t *timer)
{
	struct contact *contact = timer->data;

	if (contact->phase != CONTACT_SESSION)
		contact_close(contact, "it takes too long to say who it is");
	else
		step(contact);
}

void contact_wake(struct contact *contact)
{
	if (contact->phase == CONTACT_SESSION)
		run_session(contact, false);
}

struct contact *contact_new(uv_loop_t *loop, int fd, const char *wanted,
			    const struct sockaddr_storage *from, const struct identity *identity,
			    const struct contact_owner *owner, void *node)
{
	struct contact *contact = calloc(1, sizeof(*contact));
	char text[ADDRESS_PORT_TEXT_MAX] = "somebody"; /* who is gone before he was looked at */

	if (!contact || uv_poll_init(loop, &contact->poll, fd) < 0) {
		close_fd(fd);
		free(contact);
		return NULL;
	}
	contact->node = node;
	contact->owner = owner;
	contact->identity = identity;
	contact->fd = fd;
	contact->dialled = wanted;
	snprintf(contact->wanted, sizeof(contact->wanted), "%s", wanted ? wanted : "");
	contact->began = clock_now();
	contact->handles = 2;
	contact->address = *from;
	if (from->ss_family != AF_UNSPEC)
		address_port_text((struct sockaddr *)&contact->address, text);
	snprintf(contact->where, sizeof(contact->where), "%s", text);
	contact->poll.data = contact->timer.data = contact;
	uv_timer_init(loop, &contact->timer);
	contact->timer.data = contact;
	uv_timer_start(&contact->timer, due, HANDSHAKE_WAIT / NS_PER_MS, 0);
	uv_poll_start(&contact->poll, wanted ? UV_WRITABLE : UV_READABLE, polled);
	return contact;
}
