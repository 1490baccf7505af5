/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drop/tcpcl_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_WAIT \
	(10 * NS_PER_S) /* for the other end's SESS_INIT, and for its answer to SESS_TERM */
/* For all of a message, where there are no keepalives. */
#define MESSAGE_WAIT (120 * NS_PER_S)
#define IN_MAX       (TCPCL_SEGMENT + ITEMS_SIZE_MAX + 64)

int tcpcl_over(struct tcpcl *session, int err, const char *fmt, ...)
{
	va_list args;

	if (session->state == TCPCL_ENDED)
		return err;
	session->state = TCPCL_ENDED;
	if (!session->why[0]) {
		va_start(args, fmt);
		vsnprintf(session->why, sizeof(session->why), fmt, args);
		va_end(args);
	}
	return err;
}

struct tcpcl *tcpcl_new(const struct tcpcl_hello *self, const struct tcpcl_owner *owner, void *data,
			uint64_t now)
{
	struct tcpcl *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->self = *self;
	session->owner = owner;
	session->data = data;
	session->last_in = session->last_out = now;
	tcpcl_put_hello(&session->out, self);
	return session;
}

void tcpcl_free(struct tcpcl *session)
{
	if (!session)
		return;
	for (unsigned i = 0; i < TCPCL_UNDER_WAY; i++)
		bytes_free(&session->sending[i].bytes);
	bytes_free(&session->arriving);
	bytes_free(&session->in);
	bytes_free(&session->out);
	free(session);
}

enum tcpcl_state tcpcl_state(const struct tcpcl *session)
{
	return session->state;
}

const char *tcpcl_why(const struct tcpcl *session)
{
	return session->why;
}

const struct tcpcl_hello *tcpcl_peer(const struct tcpcl *session)
{
	return &session->peer;
}

static int on_hello(struct tcpcl *session, const struct tcpcl_message *message)
{
	uint16_t least = message->hello.keepalive < session->self.keepalive
				 ? message->hello.keepalive
				 : session->self.keepalive;

	if (session->hello_seen)
		return tcpcl_over(session, -EPROTO, "it said hello twice");
	session->hello_seen = true;
	session->peer = message->hello;
	session->keepalive = least * NS_PER_S;
	if (message->unknown_critical || message->hello.segment == 0 ||
	    !session->owner->met(session->data, &session->peer)) {
		tcpcl_put_term(&session->out, false, TERM_CONTACT);
		return tcpcl_over(session, -EACCES, "its hello was not accepted");
	}
	if (session->state == TCPCL_HELLO)
		session->state = TCPCL_OPEN;
	return 0;
}

static const char *term_text(uint8_t reason)
{
	static const char *const texts[] = {"no reason told",        "it was idle",
					    "version mismatch",      "it is busy",
					    "it does not accept us", "it is out of resources"};

	return reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason]
							 : "a reason that we do not know";
}

static int on_term(struct tcpcl *session, const struct tcpcl_message *message)
{
	session->term_seen = true;
	if (!session->why[0])
		snprintf(session->why, sizeof(session->why), "the other end ended it: %s",
			 term_text(message->reason));
	if (!session->term_sent) {
		tcpcl_put_term(&session->out, true, message->reason);
		session->term_sent = true;
	}
	session->state = TCPCL_ENDING;
	return 0;
}

static int handle(struct tcpcl *session, const struct tcpcl_message *message)
{
	if (!session->hello_seen && message->type != SESS_INIT && message->type != SESS_TERM)
		return tcpcl_over(session, -EPROTO, "it did not say hello first");
	switch (message->type) {
	case SESS_INIT:
		return on_hello(session, message);
	case XFER_SEGMENT:
		return tcpcl_on_segment(session, message);
	case XFER_ACK:
		return tcpcl_on_ack(session, message);
	case XFER_REFUSE:
		return tcpcl_on_refusal(session, message);
	case SESS_TERM:
		return on_term(session, message);
	case MSG_REJECT:
		return tcpcl_over(session, -EPROTO, "it rejects a message of type %u",
				  message->flags);
	case KEEPALIVE:
		break;
	}
	return 0;
}

/* All has been said and answered. */
static void end_if_done(struct tcpcl *session)
{
	if (session->state == TCPCL_ENDING && session->term_sent && session->term_seen &&
	    session->sending_count == 0 && session->answer_count == 0 &&
	    (!session->is_arriving || session->refused))
		tcpcl_over(session, 0, "ended");
}

int tcpcl_receive(struct tcpcl *session, const void *data, size_t size, uint64_t now)
{
	size_t at = 0;
	int err = 0;

	bytes_put(&session->in, data, size);
	if (session->in.failed)
		return tcpcl_over(session, -ENOMEM, "out of memory");
	while (!err && session->state != TCPCL_ENDED) {
		struct tcpcl_message message;
		ssize_t taken =
			tcpcl_message_read(session->in.data + at, session->in.size - at, &message);

		if (taken < 0) {
			/* Where the next message begins cannot be known. */
			tcpcl_put_reject(&session->out, REJECT_UNKNOWN, session->in.data[at]);
			err = tcpcl_over(session, (int)taken,
					 "it sends what is no message, or too long");
		} else if (taken == 0 && session->in.size - at > IN_MAX) {
			err = tcpcl_over(session, -E2BIG, "it sends a message that is too long");
		} else if (taken == 0) {
			break;
		} else {
			session->last_in = now;
			err = handle(session, &message);
			at += (size_t)taken;
		}
	}
	bytes_drop(&session->in, at);
	end_if_done(session);
	return err;
}

bool tcpcl_listens(const struct tcpcl *session)
{
	return session->out.size < 2 * TCPCL_SEGMENT &&
	       session->answer_count < TCPCL_ANSWERS_MAX / 4;
}

struct bytes *tcpcl_output(struct tcpcl *session, uint64_t now)
{
	size_t before = session->out.size;

	tcpcl_flush_answers(session);
	while (session->out.size < TCPCL_SEGMENT && session->hello_seen &&
	       session->state != TCPCL_ENDED && tcpcl_next_segment(session))
		;
	if (session->out.size != before)
		session->last_out = now;
	if (session->out.failed)
		tcpcl_over(session, -ENOMEM, "out of memory");
	end_if_done(session);
	return &session->out;
}

uint64_t tcpcl_tick(struct tcpcl *session, uint64_t now)
{
	uint64_t wait = HELLO_WAIT, next = UINT64_MAX;

	if (session->state == TCPCL_ENDED)
		return UINT64_MAX;
	if (session->hello_seen && session->state == TCPCL_OPEN)
		wait = session->keepalive ? 2 * session->keepalive
		       : session->in.size ? MESSAGE_WAIT
					  : 0;
	if (wait && now - session->last_in >= wait) {
		if (!session->term_sent)
			tcpcl_put_term(&session->out, false, TERM_IDLE);
		tcpcl_over(session, -ETIMEDOUT, "nothing came from it for %u s",
			   (unsigned)(wait / NS_PER_S));
		return now;
	}
	if (wait)
		next = session->last_in + wait;
	if (session->hello_seen && session->keepalive) {
		if (now - session->last_out >= session->keepalive && session->out.size == 0) {
			bytes_put_number(&session->out, KEEPALIVE, 1);
			session->last_out = now;
		}
		if (session->last_out + session->keepalive < next)
			next = session->last_out + session->keepalive;
	}
	return next > now ? next : now + NS_PER_S;
}

void tcpcl_end(struct tcpcl *session, enum tcpcl_term reason, uint64_t now)
{
	if (session->state == TCPCL_ENDED || session->term_sent)
		return;
	tcpcl_put_term(&session->out, false, (uint8_t)reason);
	session->term_sent = true;
	session->state = TCPCL_ENDING;
	session->last_in = now; /* the other end has its time to answer */
	snprintf(session->why, sizeof(session->why), "ended by us");
}
