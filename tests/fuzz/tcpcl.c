/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A neighbour may send anything, in any pieces: the session goes on or ends with a reason, memory is bounded, and what we
 * send in turn is what a session of ours understands. Of the input, 0xfe and a byte is time that passes. */
#include "drop/tcpcl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 1000000000ULL

static struct tcpcl *session;

static void must(int truth)
{
	if (!truth)
		abort();
}

static bool met(void *data, const struct tcpcl_hello *hello)
{
	must(strlen(hello->node) < sizeof(hello->node) && hello->held_count <= TCPCL_HELD_MAX);
	return hello->node[0] != 'x';
}

static int begins(void *data, const uint8_t *bytes, size_t size)
{
	return size < 4 ? TCPCL_MORE : bytes[0] == 'r' ? REFUSAL_COMPLETED : TCPCL_GO;
}

static void arrived(void *data, uint64_t id, struct bytes *bytes, uint64_t left_out)
{
	must(bytes->size <= 100000);
	if (bytes->data[0] == 'a')
		tcpcl_accept(session, id);
	else if (bytes->data[0] == 'n')
		tcpcl_refuse(session, id, REFUSAL_RESOURCES);
}

static void settled(void *data, uint64_t cookie, int refusal)
{
	must(cookie < 4);
}

static const struct tcpcl_owner owner = {met, begins, arrived, settled};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tcpcl_hello self = {.node = "dtn://self/",
					 .keepalive = 10,
					 .segment = TCPCL_SEGMENT,
					 .transfer = 100000};
	uint64_t now = 0, left_out;

	session = tcpcl_new(&self, &owner, NULL, now);
	must(session != NULL);
	for (size_t at = 0; at + 2 <= size && tcpcl_state(session) != TCPCL_ENDED;) {
		uint8_t piece = data[at++];
		struct bytes *out;

		if (piece == 0xfe) {
			now += data[at++] * STEP / 4;
			must(tcpcl_tick(session, now) >= now);
		} else if (piece == 0xff) {
			struct bytes bytes = {0};

			bytes_put(&bytes, data, size);
			tcpcl_send(session, data[at] % 4, &bytes, data[at] / 4);
			bytes_free(&bytes);
		} else {
			size_t some = size - at < piece ? size - at : piece;

			must(tcpcl_receive(session, data + at, some, now) == 0 ||
			     tcpcl_state(session) == TCPCL_ENDED);
			at += some;
		}
		must(tcpcl_partial(session, &left_out)->size <= 100000);
		out = tcpcl_output(session, now);
		must(out->size < 3 * TCPCL_SEGMENT);
		bytes_drop(out, out->size);
	}
	must(tcpcl_state(session) != TCPCL_ENDED || tcpcl_why(session)[0]);
	tcpcl_free(session);
	return 0;
}
