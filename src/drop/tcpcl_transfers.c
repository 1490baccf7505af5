/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transfers: RFC 9174, section 5.2. Those of one direction follow each other, so one arrives at a time. */
#include "drop/tcpcl_parts.h"

#include <errno.h>

static struct tcpcl_answer *answer_at(struct tcpcl *session, unsigned i)
{
	return &session->answers[(session->answer_first + i) % TCPCL_ANSWERS_MAX];
}

static int answer(struct tcpcl *session, struct tcpcl_answer answer)
{
	if (session->answer_count == TCPCL_ANSWERS_MAX)
		return tcpcl_over(session, -EPROTO, "it does not wait for acknowledgements");
	*answer_at(session, session->answer_count++) = answer;
	return 0;
}

void tcpcl_flush_answers(struct tcpcl *session)
{
	while (session->answer_count && !answer_at(session, 0)->waits) {
		const struct tcpcl_answer *next = answer_at(session, 0);

		if (next->refusal < 0)
			tcpcl_put_ack(&session->out, next->flags, next->id, next->size);
		else
			tcpcl_put_refusal(&session->out, (uint8_t)next->refusal, next->id);
		session->answer_first = (session->answer_first + 1) % TCPCL_ANSWERS_MAX;
		session->answer_count--;
	}
}

static void decide(struct tcpcl *session, uint64_t id, int refusal)
{
	for (unsigned i = 0; i < session->answer_count; i++) {
		struct tcpcl_answer *at = answer_at(session, i);

		if (at->waits && at->id == id) {
			at->waits = false;
			at->refusal = refusal;
		}
	}
}

void tcpcl_accept(struct tcpcl *session, uint64_t id)
{
	decide(session, id, -1);
}

void tcpcl_refuse(struct tcpcl *session, uint64_t id, enum tcpcl_refusal reason)
{
	decide(session, id, (int)reason);
}

/* What is still to come of it is dropped; the other end may not have seen our refusal yet. */
static int refuse(struct tcpcl *session, int reason)
{
	session->refused = true;
	bytes_free(&session->arriving);
	return answer(session,
		      (struct tcpcl_answer){.id = session->arriving_id, .refusal = reason});
}

static int begin(struct tcpcl *session, const struct tcpcl_message *message)
{
	if (session->is_arriving && !session->refused) /* what was refused just stops */
		return tcpcl_over(session, -EPROTO, "a transfer begins inside another one");
	if (session->any_arrived && message->id <= session->last_arrived)
		return tcpcl_over(session, -EPROTO, "it used the number of a transfer again");
	session->is_arriving = session->any_arrived = true;
	session->refused = session->gone_into = false;
	session->last_arrived = session->arriving_id = message->id;
	session->arriving_left_out = message->left_out;
	session->arriving_length = message->has_length ? message->length : UINT64_MAX;
	if (message->unknown_critical)
		return refuse(session, REFUSAL_EXTENSION);
	if (session->state == TCPCL_ENDING)
		return refuse(session, REFUSAL_ENDING);
	if (message->has_length && message->length > session->self.transfer)
		return refuse(session, REFUSAL_RESOURCES);
	return 0;
}

int tcpcl_on_segment(struct tcpcl *session, const struct tcpcl_message *message)
{
	bool end = message->flags & SEGMENT_END;
	int err = message->flags & SEGMENT_START ? begin(session, message) : 0, verdict;

	if (err)
		return err;
	if (!session->is_arriving || message->id != session->arriving_id)
		return tcpcl_over(session, -EPROTO, "a segment belongs to no transfer");
	if (!session->refused) {
		bytes_put(&session->arriving, message->data, message->data_size);
		if (session->arriving.failed || session->arriving.size > session->self.transfer)
			err = refuse(session, REFUSAL_RESOURCES);
		else if (session->arriving.size > session->arriving_length ||
			 (end && session->arriving_length != UINT64_MAX &&
			  session->arriving.size != session->arriving_length))
			return tcpcl_over(session, -EPROTO,
					  "a transfer is not as long as was told");
	}
	if (!session->refused && !session->gone_into && !err) {
		verdict = session->owner->begins(session->data, session->arriving.data,
						 session->arriving.size);
		session->gone_into = verdict == TCPCL_GO;
		if (verdict == TCPCL_MORE && end)
			verdict = REFUSAL_UNACCEPTABLE;
		if (verdict >= 0)
			err = refuse(session, verdict);
	}
	session->is_arriving = !end;
	if (err || session->refused)
		return err;
	err = answer(session, (struct tcpcl_answer){.id = message->id,
						    .size = session->arriving.size,
						    .flags = message->flags,
						    .waits = end,
						    .refusal = -1});
	if (!err && end) {
		session->owner->arrived(session->data, message->id, &session->arriving,
					session->arriving_left_out);
		bytes_free(&session->arriving);
	}
	return err;
}

struct bytes *tcpcl_partial(struct tcpcl *session, uint64_t *ret_left_out)
{
	*ret_left_out = session->arriving_left_out;
	return &session->arriving;
}

static struct tcpcl_sending *sending_at(struct tcpcl *session, unsigned i)
{
	return &session->sending[(session->first + i) % TCPCL_UNDER_WAY];
}

static bool is_sent(const struct tcpcl_sending *sending)
{
	return sending->at == sending->size;
}

/* One that waits to be sent, behind the one that is, is enough. */
bool tcpcl_ready(const struct tcpcl *session)
{
	unsigned last =
		(session->first + session->sending_count + TCPCL_UNDER_WAY - 1) % TCPCL_UNDER_WAY;

	if (session->state != TCPCL_OPEN || session->sending_count == TCPCL_UNDER_WAY)
		return false;
	return session->sending_count == 0 || is_sent(&session->sending[last]);
}

int tcpcl_send(struct tcpcl *session, uint64_t cookie, struct bytes *bytes, uint64_t left_out)
{
	if (!tcpcl_ready(session))
		return -EAGAIN;
	if (bytes->size > session->peer.transfer || bytes->size == 0)
		return -EMSGSIZE;
	*sending_at(session, session->sending_count++) =
		(struct tcpcl_sending){.id = session->next_id++,
				       .cookie = cookie,
				       .left_out = left_out,
				       .bytes = *bytes,
				       .size = bytes->size};
	*bytes = (struct bytes){0};
	return 0;
}

/* Takes the transfer out, whatever its place: refusals may overtake. */
static void settle(struct tcpcl *session, unsigned i, int refusal)
{
	struct tcpcl_sending done = *sending_at(session, i);

	for (; i + 1 < session->sending_count; i++)
		*sending_at(session, i) = *sending_at(session, i + 1);
	*sending_at(session, i) = (struct tcpcl_sending){0};
	session->sending_count--;
	bytes_free(&done.bytes);
	session->owner->settled(session->data, done.cookie, refusal);
}

bool tcpcl_next_segment(struct tcpcl *session)
{
	uint64_t most =
		session->peer.segment < TCPCL_SEGMENT ? session->peer.segment : TCPCL_SEGMENT;

	for (unsigned i = 0; i < session->sending_count; i++) {
		struct tcpcl_sending *sending = sending_at(session, i);
		size_t left = sending->size - sending->at, size = left < most ? left : most;
		uint8_t flags = (uint8_t)((sending->at == 0 ? SEGMENT_START : 0) |
					  (size == left ? SEGMENT_END : 0));

		if (is_sent(sending))
			continue;
		if (sending->at == 0 && session->state == TCPCL_ENDING) {
			settle(session, i, REFUSAL_ENDING); /* nothing new (section 6.1) */
			return true;
		}
		tcpcl_put_segment(&session->out, flags, sending->id, sending->size,
				  sending->left_out, sending->bytes.data + sending->at, size);
		sending->at += size;
		if (is_sent(sending))
			bytes_free(&sending->bytes);
		return true;
	}
	return false;
}

static int find(struct tcpcl *session, uint64_t id)
{
	for (unsigned i = 0; i < session->sending_count; i++)
		if (sending_at(session, i)->id == id)
			return (int)i;
	return -1;
}

int tcpcl_on_ack(struct tcpcl *session, const struct tcpcl_message *message)
{
	int i = find(session, message->id);
	struct tcpcl_sending *sending;

	if (i < 0)
		return tcpcl_over(session, -EPROTO, "it acknowledges what was not sent");
	sending = sending_at(session, (unsigned)i);
	if (message->size > sending->at || message->size < sending->acked)
		return tcpcl_over(session, -EPROTO, "it acknowledges more than was sent");
	sending->acked = message->size;
	if (message->flags & SEGMENT_END) {
		if (message->size != sending->size)
			return tcpcl_over(session, -EPROTO,
					  "it acknowledges an end that was not sent");
		settle(session, (unsigned)i, -1);
	}
	return 0;
}

int tcpcl_on_refusal(struct tcpcl *session, const struct tcpcl_message *message)
{
	int i = find(session, message->id);
	struct tcpcl_sending *sending;

	if (i < 0)
		return tcpcl_over(session, -EPROTO, "it refuses what was not sent");
	sending = sending_at(session, (unsigned)i);
	if (sending->at == 0)
		return tcpcl_over(session, -EPROTO, "it refuses what was not sent");
	settle(session, (unsigned)i, message->reason);
	return 0;
}
