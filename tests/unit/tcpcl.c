/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without these, what neighbours send would be lost, taken twice, or acknowledged before it is safe; and one
 * that does not keep the rules could hold a session, or the memory, for ever. */
#include "drop/tcpcl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S 1000000000ULL

/* One end, and what its owner was told. */
struct end {
	struct tcpcl *session;
	int verdict;      /* what begins() answers */
	bool takes;       /* what met() answers */
	bool hold;        /* do not accept at once */
	uint64_t id[300]; /* that arrived */
	size_t size[300];
	uint64_t left_out;
	unsigned arrived;
	uint64_t cookie;
	int refusal;
	unsigned settled;
	uint8_t last[200000];
};

static bool met(void *data, const struct tcpcl_hello *hello)
{
	return ((struct end *)data)->takes;
}

static int begins(void *data, const uint8_t *bytes, size_t size)
{
	return ((struct end *)data)->verdict;
}

static void arrived(void *data, uint64_t id, struct bytes *bytes, uint64_t left_out)
{
	struct end *end = data;

	end->id[end->arrived] = id;
	end->size[end->arrived++] = bytes->size;
	end->left_out = left_out;
	memcpy(end->last, bytes->data, bytes->size);
	if (!end->hold)
		tcpcl_accept(end->session, id);
}

static void settled(void *data, uint64_t cookie, int refusal)
{
	struct end *end = data;

	end->cookie = cookie;
	end->refusal = refusal;
	end->settled++;
}

static const struct tcpcl_owner owner = {met, begins, arrived, settled};

static struct tcpcl_hello hello(const char *node)
{
	struct tcpcl_hello self = {.keepalive = 10, .segment = TCPCL_SEGMENT, .transfer = 180000};

	snprintf(self.node, sizeof(self.node), "%s", node);
	return self;
}

static void start(struct end *end, const struct tcpcl_hello *self)
{
	memset(end, 0, sizeof(*end));
	end->verdict = TCPCL_GO;
	end->takes = true;
	end->session = tcpcl_new(self, &owner, end, 0);
	assert_non_null(end->session);
}

/* Everything that @from has to say goes to @to, @chunk bytes at a time. */
static int carry(struct end *from, struct end *to, size_t chunk, uint64_t now)
{
	struct bytes *out = tcpcl_output(from->session, now);

	while (out->size) {
		size_t size = out->size < chunk ? out->size : chunk;
		int err = tcpcl_receive(to->session, out->data, size, now);

		if (err)
			return err;
		bytes_drop(out, size);
		out = tcpcl_output(from->session, now);
	}
	return 0;
}

static void exchange(struct end *a, struct end *b, uint64_t now)
{
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(carry(a, b, 1 << 20, now), 0);
		assert_int_equal(carry(b, a, 1 << 20, now), 0);
	}
}

static void meet(struct end *a, struct end *b)
{
	struct tcpcl_hello self_a = hello("dtn://a/"), self_b = hello("dtn://b/");

	start(a, &self_a);
	start(b, &self_b);
	exchange(a, b, 0);
	assert_int_equal(tcpcl_state(a->session), TCPCL_OPEN);
	assert_string_equal(tcpcl_peer(a->session)->node, "dtn://b/");
}

static int send(struct end *from, uint64_t cookie, size_t size, uint64_t left_out)
{
	struct bytes bytes = {0};
	uint8_t *at = bytes_extend(&bytes, size);
	int err;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(i * 7 + i / 256);
	err = tcpcl_send(from->session, cookie, &bytes, left_out);
	bytes_free(&bytes);
	return err;
}

static void part(struct end *a, struct end *b)
{
	tcpcl_free(a->session);
	tcpcl_free(b->session);
}

static void carries_whatever_the_pieces(void **state)
{
	const size_t sizes[] = {1, 65535, 65536, 65537, 150000}, chunks[] = {1, 7, 1000, 100000};
	static struct end a, b;

	meet(&a, &b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t k = 0; k < sizeof(chunks) / sizeof(chunks[0]); k++) {
			assert_int_equal(send(&a, i * 10 + k, sizes[i], 0), 0);
			assert_int_equal(carry(&a, &b, chunks[k], 0), 0);
			assert_int_equal(b.size[b.arrived - 1], sizes[i]);
			for (size_t at = 0; at < sizes[i]; at++)
				assert_int_equal(b.last[at], (uint8_t)(at * 7 + at / 256));
			assert_int_equal(carry(&b, &a, chunks[k], 0), 0);
			assert_int_equal(a.cookie, i * 10 + k);
			assert_int_equal(a.refusal, -1);
		}
	part(&a, &b);
}

/* Lost: what is acknowledged must be on disk, whatever comes behind it. */
static void acknowledges_when_told(void **state)
{
	static struct end a, b;

	meet(&a, &b);
	b.hold = true;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send(&a, i, 100, 0), 0);
		assert_int_equal(carry(&a, &b, 1000, 0), 0);
	}
	assert_int_equal(b.arrived, 3);
	exchange(&a, &b, 0);
	assert_int_equal(a.settled, 0);
	tcpcl_accept(b.session, b.id[1]);
	exchange(&a, &b, 0);
	assert_int_equal(a.settled, 0); /* in order */
	tcpcl_accept(b.session, b.id[0]);
	exchange(&a, &b, 0);
	assert_int_equal(a.settled, 2);
	tcpcl_refuse(b.session, b.id[2], REFUSAL_RESOURCES);
	exchange(&a, &b, 0);
	assert_int_equal(a.settled, 3);
	assert_int_equal(a.refusal, REFUSAL_RESOURCES);
	part(&a, &b);
}

static void refuses_early(void **state)
{
	static struct end a, b;

	meet(&a, &b);
	b.verdict = REFUSAL_COMPLETED;
	assert_int_equal(send(&a, 1, 170000, 0), 0);
	/* The refusal comes before all of it has gone; what is under way does no harm, nor does the next one. */
	assert_int_equal(carry(&a, &b, 70000, 0), 0);
	exchange(&a, &b, 0);
	assert_int_equal(a.refusal, REFUSAL_COMPLETED);
	b.verdict = TCPCL_GO;
	assert_int_equal(send(&a, 2, 10, 0), 0);
	exchange(&a, &b, 0);
	assert_int_equal(b.arrived, 1);
	assert_int_equal(a.refusal, -1);
	/* Too large for the other end: not even begun. */
	assert_int_equal(send(&a, 3, 180001, 0), -EMSGSIZE);
	part(&a, &b);
}

/* Lost: a refused sender that stops in the middle would end the session. */
static void refuses_in_the_middle(void **state)
{
	static struct end a, b;
	struct bytes *out;

	meet(&a, &b);
	b.verdict = REFUSAL_RESOURCES;
	assert_int_equal(send(&a, 1, 170000, 0), 0);
	out = tcpcl_output(a.session, 0);
	assert_int_equal(tcpcl_receive(b.session, out->data, out->size, 0), 0);
	bytes_drop(out, out->size);
	assert_int_equal(carry(&b, &a, 1000, 0), 0);
	assert_int_equal(a.refusal, REFUSAL_RESOURCES);
	b.verdict = TCPCL_GO;
	assert_int_equal(send(&a, 2, 10, 0), 0);
	exchange(&a, &b, 0);
	assert_int_equal(b.arrived, 1);
	part(&a, &b);
}

static void goes_on_where_it_was(void **state)
{
	struct tcpcl_hello self_a = hello("dtn://a/"), self_b = hello("dtn://b/");
	static struct end a, b;
	struct bytes *out;
	uint64_t left_out;

	self_b.held_count = TCPCL_HELD_MAX;
	for (unsigned i = 0; i < TCPCL_HELD_MAX; i++)
		self_b.held[i] = (struct tcpcl_held){.key = {(uint8_t)i, 2, 3}, .size = 70000 + i};
	start(&a, &self_a);
	start(&b, &self_b);
	exchange(&a, &b, 0);
	assert_int_equal(tcpcl_peer(a.session)->held_count, TCPCL_HELD_MAX);
	assert_memory_equal(tcpcl_peer(a.session)->held, self_b.held, sizeof(self_b.held));
	assert_int_equal(send(&a, 1, 500, 70000), 0);
	exchange(&a, &b, 0);
	assert_int_equal(b.left_out, 70000);

	/* And what is cut off can be taken out. */
	assert_int_equal(send(&a, 2, 150000, 0), 0);
	out = tcpcl_output(a.session, 0);
	assert_int_equal(tcpcl_receive(b.session, out->data, out->size, 0), 0);
	assert_int_equal(tcpcl_partial(b.session, &left_out)->size, 65536);
	part(&a, &b);
}

static void keeps_alive_and_notices_silence(void **state)
{
	static struct end a, b;
	uint64_t now = 0, next;

	meet(&a, &b);
	for (unsigned i = 0; i < 10; i++) {
		next = tcpcl_tick(a.session, now);
		assert_true(next > now && next <= now + 10 * S);
		tcpcl_tick(b.session, now);
		exchange(&a, &b, now);
		now = next;
	}
	assert_int_equal(tcpcl_state(a.session), TCPCL_OPEN);
	/* Only bytes of a message that never ends. */
	for (unsigned i = 0; i < 30; i++) {
		assert_int_equal(tcpcl_receive(a.session, i ? "\0" : "\1", 1, now), 0);
		now += S;
		tcpcl_tick(a.session, now);
	}
	assert_int_equal(tcpcl_state(a.session), TCPCL_ENDED);
	assert_non_null(strstr(tcpcl_why(a.session), "nothing came"));
	part(&a, &b);
}

static void ends_in_peace(void **state)
{
	static struct end a, b;

	meet(&a, &b);
	b.hold = true;
	assert_int_equal(send(&a, 1, 100, 0), 0);
	assert_int_equal(carry(&a, &b, 1000, 0), 0);
	tcpcl_end(a.session, TERM_UNKNOWN, 0);
	exchange(&a, &b, 0);
	/* What is under way is still settled. */
	assert_int_equal(tcpcl_state(a.session), TCPCL_ENDING);
	assert_int_equal(send(&a, 2, 100, 0), -EAGAIN);
	tcpcl_accept(b.session, b.id[0]);
	exchange(&a, &b, 0);
	assert_int_equal(a.settled, 1);
	assert_int_equal(tcpcl_state(a.session), TCPCL_ENDED);
	assert_int_equal(tcpcl_state(b.session), TCPCL_ENDED);
	part(&a, &b);
}

/* Lost: a transfer would begin that the other end must not take any more (RFC 9174, section 6.1). */
static void begins_nothing_at_the_end(void **state)
{
	static struct end a, b;

	meet(&a, &b);
	assert_int_equal(send(&a, 1, 100, 0), 0);
	tcpcl_end(b.session, TERM_BUSY, 0);
	assert_int_equal(carry(&b, &a, 1000, 0), 0);
	exchange(&a, &b, 0);
	assert_int_equal(b.arrived, 0);
	assert_int_equal(a.settled, 1);
	assert_int_equal(a.refusal, REFUSAL_ENDING);
	assert_int_equal(tcpcl_state(a.session), TCPCL_ENDED);
	part(&a, &b);
}

/* What a neighbour's implementation sends, by the figures of RFC 9174. */
static void speaks_as_the_rfc_says(void **state)
{
	static const char theirs[] = "\x07\0\x0a\0\0\0\0\0\1\0\0\0\0\0\0\0\x10\0\0\0\x08"
				     "dtn://b/"
				     "\0\0\0\0"
				     "\x01\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3"
				     "abc";
	static const char ours[] = "\x07\0\x0a\0\0\0\0\0\1\0\0\0\0\0\0\0\2\xbf\x20\0\x08"
				   "dtn://a/"
				   "\0\0\0\0"
				   "\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3"
				   "\x05\0\3";
	struct tcpcl_hello self = hello("dtn://a/");
	static struct end a;
	struct bytes *out;

	start(&a, &self);
	assert_int_equal(tcpcl_receive(a.session, theirs, sizeof(theirs) - 1, 0), 0);
	assert_string_equal(tcpcl_peer(a.session)->node, "dtn://b/");
	assert_int_equal(tcpcl_peer(a.session)->transfer, 1 << 20);
	assert_int_equal(a.arrived, 1);
	assert_memory_equal(a.last, "abc", 3);
	tcpcl_output(a.session, 0);
	tcpcl_end(a.session, TERM_BUSY, 0);
	out = tcpcl_output(a.session, 0);
	assert_int_equal(out->size, sizeof(ours) - 1);
	assert_memory_equal(out->data, ours, sizeof(ours) - 1);
	tcpcl_free(a.session);
}

static void refuses_strangers(void **state)
{
	struct tcpcl_hello self = hello("dtn://a/");
	static struct end a, b;

	start(&a, &self);
	start(&b, &self);
	b.takes = false;
	assert_int_equal(carry(&a, &b, 1000, 0), -EACCES);
	carry(&b, &a, 1000, 0);
	assert_string_equal(tcpcl_why(a.session), "the other end ended it: it does not accept us");
	part(&a, &b);
}

static void refuses_nonsense(void **state)
{
	const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{"\x00", 1}, /* no such message */
		{"\x09", 1},
		{"\xff", 1},
		{"\x02\x01\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 18}, /* acknowledges nothing */
		{"\x03\x01\0\0\0\0\0\0\0\1", 10},                 /* refuses nothing */
		{"\x01\x01\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 18}, /* a segment of nothing */
		{"\x01\x02\0\0\0\0\0\0\0\1\xff\xff\xff\xff", 14}, /* 4 GB of items */
		{"\x01\x00\0\0\0\0\0\0\0\1\x7f\xff\0\0\0\0\0\0",
		 18}, /* a segment beyond all memory */
		{"\x01\x02\0\0\0\0\0\0\0\1\0\0\0\5\0\0\1\xff\xff",
		 19}, /* an item longer than its list */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct end a, b;

		meet(&a, &b);
		assert_true(tcpcl_receive(a.session, cases[i].bytes, cases[i].size, 0) < 0);
		assert_int_equal(tcpcl_state(a.session), TCPCL_ENDED);
		part(&a, &b);
	}
}

static void header(void **state)
{
	uint8_t bytes[TCPCL_HEADER_SIZE];

	tcpcl_header(bytes);
	assert_int_equal(tcpcl_header_check(bytes), 0);
	assert_int_equal(tcpcl_header_check((const uint8_t *)"dtn!\4\0"), -EPROTONOSUPPORT);
	assert_int_equal(tcpcl_header_check((const uint8_t *)"dtn!\3\1"), -EPROTONOSUPPORT);
	assert_int_equal(tcpcl_header_check((const uint8_t *)"GET / "), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header),
		cmocka_unit_test(carries_whatever_the_pieces),
		cmocka_unit_test(acknowledges_when_told),
		cmocka_unit_test(refuses_early),
		cmocka_unit_test(refuses_in_the_middle),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(keeps_alive_and_notices_silence),
		cmocka_unit_test(ends_in_peace),
		cmocka_unit_test(begins_nothing_at_the_end),
		cmocka_unit_test(speaks_as_the_rfc_says),
		cmocka_unit_test(refuses_strangers),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
