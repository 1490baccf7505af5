/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a session share: messages in tcpcl_messages.c, transfers in tcpcl_transfers.c. */
#pragma once

#include "drop/tcpcl.h"

#include <sys/types.h>

enum message {
	XFER_SEGMENT = 1,
	XFER_ACK,
	XFER_REFUSE,
	KEEPALIVE,
	SESS_TERM,
	MSG_REJECT,
	SESS_INIT
};
enum { SEGMENT_END = 1, SEGMENT_START = 2 };
enum { REJECT_UNKNOWN = 1, REJECT_UNSUPPORTED, REJECT_UNEXPECTED };

/* Extension items (RFC 9174, sections 4.8 and 5.2.5): ours are of the range for private use. */
enum { ITEM_CRITICAL = 1 };
enum { ITEM_TRANSFER_LENGTH = 1, ITEM_LEFT_OUT = 0x8052 };
enum { ITEM_HELD = 0x8052 };

#define ITEMS_SIZE_MAX 8192u /* of all extension items of a message */

/* A message that was read; pointers go into what was read. */
struct tcpcl_message {
	enum message type;
	uint8_t flags, reason;
	uint64_t id, size; /* of a transfer; acknowledged size */
	const uint8_t *data;
	size_t data_size;
	bool has_length;
	uint64_t length;   /* of the whole transfer */
	uint64_t left_out; /* bytes of the payload */
	bool unknown_critical;
	struct tcpcl_hello hello;
};

/* The next of @size bytes: how many it takes; 0: it is not all there; -EPROTO: no message that we know, or one that
 * contradicts itself; -E2BIG: a segment beyond TCPCL_SEGMENT. */
ssize_t tcpcl_message_read(const uint8_t *data, size_t size, struct tcpcl_message *ret);

void tcpcl_put_hello(struct bytes *to, const struct tcpcl_hello *hello);
void tcpcl_put_segment(struct bytes *to, uint8_t flags, uint64_t id, uint64_t length,
		       uint64_t left_out, const void *data, size_t size);
void tcpcl_put_ack(struct bytes *to, uint8_t flags, uint64_t id, uint64_t size);
void tcpcl_put_refusal(struct bytes *to, uint8_t reason, uint64_t id);
void tcpcl_put_term(struct bytes *to, bool reply, uint8_t reason);
void tcpcl_put_reject(struct bytes *to, uint8_t reason, uint8_t type);

/* A transfer that we send. */
struct tcpcl_sending {
	uint64_t id, cookie, left_out;
	struct bytes bytes; /* owned; freed when all of it is in @out */
	size_t size, at;    /* of it; how much is in @out */
	uint64_t acked;
};

/* An acknowledgement or refusal of ours; they go out in order. */
struct tcpcl_answer {
	uint64_t id, size;
	uint8_t flags;
	bool waits;  /* for the owner */
	int refusal; /* < 0: acknowledgement */
};

/* That wait. A session with many is not to be read from (tcpcl_listens()); one that goes on is ended. */
#define TCPCL_ANSWERS_MAX 2048

struct tcpcl {
	enum tcpcl_state state;
	const struct tcpcl_owner *owner;
	void *data;
	struct tcpcl_hello self, peer;
	char why[96];
	struct bytes in, out;

	uint64_t last_in, last_out; /* whole messages */
	uint64_t keepalive;         /* ns; 0: none */
	bool hello_seen, term_sent, term_seen;

	struct tcpcl_sending sending[TCPCL_UNDER_WAY]; /* oldest first, from @first on */
	unsigned first, sending_count;
	uint64_t next_id;

	struct bytes arriving;
	bool is_arriving, refused,
		gone_into; /* a transfer is; it was refused; the owner has said go */
	uint64_t arriving_id, arriving_left_out, arriving_length, last_arrived;
	bool any_arrived;

	struct tcpcl_answer answers[TCPCL_ANSWERS_MAX];
	unsigned answer_first, answer_count;
};

/* Marks the end, with the reason for the log, unless it has come already; returns @err. */
int tcpcl_over(struct tcpcl *session, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int tcpcl_on_segment(struct tcpcl *session, const struct tcpcl_message *message);
int tcpcl_on_ack(struct tcpcl *session, const struct tcpcl_message *message);
int tcpcl_on_refusal(struct tcpcl *session, const struct tcpcl_message *message);
/* Puts answers that wait for nobody into @out. */
void tcpcl_flush_answers(struct tcpcl *session);
/* Puts the next segment into @out; false: there is none. */
bool tcpcl_next_segment(struct tcpcl *session);
